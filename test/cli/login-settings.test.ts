import * as assert from 'uvu/assert';
import {findLoginSettings, giveCredential} from '../../src/cli/login-settings.ts';
import {parseRegistryFlags} from '../../src/cli/options/registry.ts';
import type {ToolkitOptions} from '../../src/toolkit.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';
import {environmentOf} from './environment-of.ts';
import {runWinch} from './run-winch.ts';

const settings = (variables: Record<string, string>, userId = 1000) =>
  findLoginSettings(environmentOf({variables, userId}));
const given = (flags: Parameters<typeof giveCredential>[0], variables: Record<string, string> = {}) =>
  giveCredential(flags, environmentOf({variables}));

const none: Partial<ToolkitOptions> = {};

describe('cli/login-settings', ({test}) => {
  test("looks where podman and docker keep logins, podman's first", () => {
    assert.equal(settings({}), {
      authFiles: ['/run/containers/1000/auth.json', '/home/somebody/.config/containers/auth.json'],
      dockerConfigPath: '/home/somebody/.docker/config.json',
    });
    const variables = {XDG_RUNTIME_DIR: '/r', XDG_CONFIG_HOME: '/c', DOCKER_CONFIG: '/d', DOCKER_AUTH_CONFIG: '{}'};
    assert.equal(settings(variables, 0), {
      dockerAuthConfig: '{}',
      authFiles: ['/r/containers/auth.json', '/c/containers/auth.json'],
      dockerConfigPath: '/d/config.json',
    });
    assert.equal(settings({}, 0).authFiles?.[0], '/run/containers/0/auth.json');
  });

  test('takes REGISTRY_AUTH_FILE in place of all files', () => {
    assert.equal(settings({REGISTRY_AUTH_FILE: '/a', DOCKER_CONFIG: '/d'}), {authFiles: ['/a'], loginFile: '/a'});
  });

  test('takes --authfile in place of all that the environment says', async () => {
    const environment = {variables: {REGISTRY_AUTH_FILE: '/a', DOCKER_AUTH_CONFIG: '{}'}};
    const {opened} = await runWinch(['login', '--get-login', '--authfile', '/f', 'h:1'], {
      environment,
      registries: {getLogin: async () => ({source: '/f', username: 'u', kind: 'password'})},
    });
    const {authFiles, loginFile, dockerAuthConfig, dockerConfigPath} = opened[0] ?? none;
    assert.equal([authFiles, loginFile, dockerAuthConfig, dockerConfigPath], [['/f'], '/f', undefined, undefined]);
  });

  test('reads --creds, with the password behind a colon or in WINCH_PASSWORD', () => {
    assert.equal(given({creds: 'u:p:q'}), {username: 'u', password: 'p:q'});
    assert.equal(given({creds: 'u'}, {WINCH_PASSWORD: 'x'}), {username: 'u', password: 'x'});
    assert.is(given({}, {WINCH_PASSWORD: 'x'}), undefined);
    for (const creds of ['u', 'u:', ':p', ''])
      assert.is(
        codeOf(() => given({creds})),
        'FLAG_INVALID',
        creds,
      );
  });

  test('reads --registry-token, or WINCH_REGISTRY_TOKEN', () => {
    assert.equal(given({registryToken: 't'}, {WINCH_REGISTRY_TOKEN: 'v'}), {registryToken: 't'});
    assert.equal(given({}, {WINCH_REGISTRY_TOKEN: 'v'}), {registryToken: 'v'});
    assert.equal(given({creds: 'u:p'}, {WINCH_REGISTRY_TOKEN: 'v'}), {username: 'u', password: 'p'});
    assert.is(
      codeOf(() => given({creds: 'u:p', registryToken: 't'})),
      'FLAGS_CONFLICT',
    );
  });

  test('gives them to the registries of the named images only', async () => {
    const opened = async (variables: Record<string, string>) => {
      const getLogin = async () => ({source: '/f', username: 'u', kind: 'password'}) as const;
      const words = ['login', '--get-login', 'ghcr.io'];
      return (await runWinch(words, {environment: {variables}, registries: {getLogin}})).opened[0]?.credential;
    };
    const credential = {registryToken: 'v'};
    assert.equal(await opened({WINCH_REGISTRY_TOKEN: 'v'}), {registries: ['ghcr.io'], credential});
    assert.is(await opened({}), undefined);
  });

  test('says nothing about logins when no flag does', () => {
    assert.equal(parseRegistryFlags({}), {login: {}});
  });
});
