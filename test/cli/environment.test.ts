import * as assert from 'uvu/assert';
import {resolveToolkitOptions} from '../../src/cli/environment.ts';
import {describe} from '../helpers/suite.ts';
import {environmentOf} from './environment-of.ts';

const resolve = (variables: Record<string, string>, userId = 1000, root?: string) =>
  resolveToolkitOptions(environmentOf({variables, userId}), {root});

describe('cli/environment', ({test}) => {
  test('uses the system directories for root', () => {
    const {root, runtimeDirectory} = resolve({XDG_DATA_HOME: '/x', XDG_RUNTIME_DIR: '/y'}, 0);
    assert.equal([root, runtimeDirectory], ['/var/lib/winch', '/run/winch']);
  });

  test('uses the XDG directories for others', () => {
    const {root, runtimeDirectory} = resolve({XDG_DATA_HOME: '/x', XDG_RUNTIME_DIR: '/y'});
    assert.equal([root, runtimeDirectory], ['/x/winch', '/y/winch']);
  });

  test('falls back to the home directory and to the store itself', () => {
    const root = '/home/somebody/.local/share/winch';
    const options = resolve({XDG_DATA_HOME: 'relative', XDG_RUNTIME_DIR: ''});
    assert.equal([options.root, options.runtimeDirectory], [root, `${root}/run`]);
  });

  test('prefers the flag to WINCH_ROOT, and that to the rest', () => {
    assert.is(resolve({WINCH_ROOT: '/env'}).root, '/env');
    assert.is(resolve({WINCH_ROOT: '/env'}, 0, '/flag').root, '/flag');
    assert.is(resolve({WINCH_ROOT: ''}, 0, '').root, '/var/lib/winch');
  });

  test('prefers the flag to WINCH_SNAPSHOTTER, which names a known driver', () => {
    const choose = (name: string, snapshotter?: 'erofs') =>
      resolveToolkitOptions(environmentOf({variables: {WINCH_SNAPSHOTTER: name}}), {snapshotter}).snapshotter;
    assert.equal([choose('overlay'), choose('overlay', 'erofs'), choose('')], ['overlay', 'erofs', undefined]);
    assert.throws(() => choose('zfs'), /WINCH_SNAPSHOTTER names the unknown driver "zfs"/);
  });

  test('resolves relative stores', () => {
    assert.is(resolve({WINCH_ROOT: 'store'}).root, '/work/here/store');
    assert.is(resolve({}, 0, '../store').root, '/work/store');
    assert.is(resolve({}, 0, '/a/../b/').root, '/b');
  });

  test("finds docker's logins", () => {
    assert.is(resolve({}).dockerConfigPath, '/home/somebody/.docker/config.json');
    assert.is(resolve({DOCKER_CONFIG: '/d'}).dockerConfigPath, '/d/config.json');
  });

  test("finds the machine's files about registries, the user's own first", () => {
    const options = resolve({});
    assert.equal(options.registriesConfPaths, [
      '/home/somebody/.config/containers/registries.conf',
      '/etc/containers/registries.conf',
      '/usr/share/containers/registries.conf',
    ]);
    assert.equal(options.hostsDirectories, [
      '/home/somebody/.config/containerd/certs.d',
      '/etc/containerd/certs.d',
      '/home/somebody/.config/docker/certs.d',
      '/etc/docker/certs.d',
    ]);
    assert.equal(options.certificateDirectories, [
      '/home/somebody/.config/containers/certs.d',
      '/etc/containers/certs.d',
    ]);
    assert.is(resolve({XDG_CONFIG_HOME: '/c'}).registriesConfPaths?.[0], '/c/containers/registries.conf');
  });

  test('lets variables stand for those files', () => {
    const options = resolve({CONTAINERS_REGISTRIES_CONF: '/r.conf', WINCH_CERTS_DIRS: '/a:/b'});
    assert.equal(options.registriesConfPaths, ['/r.conf']);
    assert.equal([options.hostsDirectories, options.certificateDirectories], [['/a', '/b'], []]);
  });

  test('passes proxies on in both cases, and nothing where none is set', () => {
    const proxies = {HTTPS_PROXY: 'p:1', no_proxy: 'x'};
    assert.equal(resolve({...proxies, HTTP_PROXY: '', HOME: '/h'}).proxyEnvironment, proxies);
    assert.is(resolve({}).proxyEnvironment, undefined);
  });

  test('is durable unless told otherwise', () => {
    assert.is(resolve({}).durability, 'full');
    assert.is(resolveToolkitOptions(environmentOf(), {durability: 'fast'}).durability, 'fast');
  });

  test('lets credential helpers see the variables', () => {
    assert.equal(resolve({PATH: '/bin', AWS_PROFILE: 'x'}).helperEnvironment, {PATH: '/bin', AWS_PROFILE: 'x'});
  });

  test('tells registries who asks', () => assert.match(resolve({}).userAgent ?? '', /^winch\/\d+\.\d+\.\d+$/));
});
