import {readFileSync} from 'node:fs';
import * as assert from 'uvu/assert';
import {imageOf, inputOf, RUNTIME_SPEC_CASES} from '../../fixtures/runtime-spec/cases.ts';
import type {ContainerOptions} from '../../src/bundle/container-options.ts';
import {formatRuntimeSpec} from '../../src/bundle/create-bundle.ts';
import {createRuntimeConfig} from '../../src/bundle/runtime-config.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';
import {findViolations} from './check-runtime-spec.ts';

const processOf = (options: ContainerOptions) => createRuntimeConfig(inputOf({options})).process;

describe('bundle/runtime-config', ({test}) => {
  for (const [name, input] of Object.entries(RUNTIME_SPEC_CASES)) {
    const golden = JSON.parse(
      readFileSync(new URL(`../../fixtures/runtime-spec/${name}.json`, import.meta.url), 'utf8'),
    );

    test(`makes ${name}.json`, () => {
      assert.equal(JSON.parse(formatRuntimeSpec(createRuntimeConfig(input))), golden);
    });

    test(`${name}.json keeps the rules of the runtime spec`, () => {
      assert.equal(findViolations(golden), []);
    });
  }

  test('refuses what the image’s config must not say', () => {
    const codes = [{WorkingDir: '/proc/self/fd/7'}, {Volumes: {'/../etc': {}}}, {Cmd: []}].map((config) =>
      codeOf(() => createRuntimeConfig(inputOf({image: imageOf({Cmd: ['id'], ...config})}))),
    );
    assert.equal(codes, ['WORKING_DIRECTORY_INVALID', 'VOLUME_INVALID', 'COMMAND_MISSING']);
  });

  test('refuses host names that the kernel or a hosts file would not take', () => {
    for (const hostname of ['', 'a b', 'a\nb', 'x'.repeat(65), 'a/b', 'a\0']) {
      assert.is(
        codeOf(() => createRuntimeConfig(inputOf({hostname}))),
        'HOSTNAME_INVALID',
        hostname,
      );
    }
  });

  test('allows no new privileges unless that is asked or the container is privileged', () => {
    const enabled = (value: boolean) => ({name: 'no-new-privileges', enabled: value}) as const;
    assert.is(processOf({}).noNewPrivileges, true);
    assert.is(processOf({privileged: true}).noNewPrivileges, false);
    assert.is(processOf({privileged: true, securityOptions: [enabled(true)]}).noNewPrivileges, true);
    assert.is(processOf({securityOptions: [enabled(true), enabled(false)]}).noNewPrivileges, false);
  });

  test('names no AppArmor profile for an unconfined container, as kernels without AppArmor refuse any', () => {
    assert.is(processOf({securityOptions: [{name: 'apparmor', profile: 'unconfined'}]}).apparmorProfile, undefined);
  });

  test('tells the terminal’s size only with a terminal', () => {
    const terminalSize = {columns: 80, rows: 24};
    const sizeOf = (terminal: boolean) =>
      createRuntimeConfig(inputOf({options: {terminal}, terminalSize})).process.consoleSize;
    assert.equal(sizeOf(true), {height: 24, width: 80});
    assert.is(sizeOf(false), undefined);
  });

  test('makes a network namespace only for a network of its own, a cgroup namespace only on v2', () => {
    const typesOf = (namespace: 'new' | 'host', version: 'v1' | 'v2' | 'hybrid') => {
      const input = inputOf({network: {namespace, files: null}});
      const host = {...input.host, cgroup: {...input.host.cgroup, version}};
      return createRuntimeConfig({...input, host}).linux.namespaces.map(({type}) => type);
    };
    assert.equal(typesOf('new', 'v2'), ['mount', 'uts', 'ipc', 'pid', 'network', 'cgroup']);
    assert.equal(typesOf('host', 'v1'), ['mount', 'uts', 'ipc', 'pid']);
    assert.equal(typesOf('host', 'hybrid'), ['mount', 'uts', 'ipc', 'pid']);
  });

  test('refuses names of its own beside the machine’s, and processes of a container that nobody has looked up', () => {
    const codeFor = (options: ContainerOptions) => codeOf(() => createRuntimeConfig(inputOf({options})));
    assert.is(codeFor({uts: 'host', hostname: 'box'}), 'HOSTNAME_INVALID');
    assert.is(codeFor({uts: 'host', domainname: 'lan'}), 'HOSTNAME_INVALID');
    assert.is(codeFor({uts: 'host'}), null);
    assert.is(codeFor({pid: {container: 'web'}}), 'NAMESPACE_MISSING');
    assert.is(codeFor({ipc: {container: 'web'}}), 'NAMESPACE_MISSING');
  });

  test('makes a cgroup namespace where cgroups are not unified only when it is asked for', () => {
    const typesOf = (cgroupns: 'host' | 'private') => {
      const input = inputOf({options: {cgroupns}});
      const host = {...input.host, cgroup: {...input.host.cgroup, version: 'v1' as const}};
      return createRuntimeConfig({...input, host}).linux.namespaces.map(({type}) => type);
    };
    assert.ok(typesOf('private').includes('cgroup'));
    assert.not.ok(typesOf('host').includes('cgroup'));
  });

  test('shares the rootfs’s mounts when a bind mount is to be shared', () => {
    const mount = {type: 'bind', source: '/srv', target: '/srv', readOnly: false, createSource: false} as const;
    const propagationOf = (propagation: 'rshared' | 'rslave') =>
      createRuntimeConfig(inputOf({options: {mounts: [{...mount, propagation}]}})).linux.rootfsPropagation;
    assert.is(propagationOf('rshared'), 'shared');
    assert.is(propagationOf('rslave'), undefined);
  });
});
