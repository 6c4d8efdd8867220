import * as assert from 'uvu/assert';
import type {LoginReport, LoginRequest} from '../../../src/images/logins/login.ts';
import {describe} from '../../helpers/suite.ts';
import {type Fakes, runWinch} from '../run-winch.ts';

const REPORT: LoginReport = {
  registry: 'ghcr.io',
  username: 'u',
  kind: 'password',
  isVerified: true,
  helper: 'docker-credential-x',
  file: '/d/config.json',
};

/** Runs `login` with a library that takes everything, and gives what it was asked for. */
async function logIn(words: readonly string[], environment: Fakes['environment'] = {}, report = REPORT) {
  const requests: LoginRequest[] = [];
  const login = async (request: LoginRequest) => {
    requests.push(request);
    return report;
  };
  const outcome = await runWinch(['login', ...words], {environment, registries: {login}});
  return {...outcome, requests};
}

const piped = (text: string): Fakes['environment'] => ({readStandardInput: async () => Buffer.from(text)});

describe('cli/commands/login', ({test}) => {
  test('reads the password from standard input, without the end of its line', async () => {
    for (const text of ['p w', 'p w\n', 'p w\r\n']) {
      const {code, stdout, stderr, requests} = await logIn(['-u', 'u', '--password-stdin', 'ghcr.io'], piped(text));
      assert.equal([code, stdout, stderr], [0, 'Login Succeeded\n', '']);
      assert.equal(requests, [{registry: 'ghcr.io', username: 'u', password: 'p w'}]);
    }
    const {requests} = await logIn(['-u', 'u', '--password-stdin'], piped('two\n\n'));
    assert.equal(requests, [{registry: 'docker.io', username: 'u', password: 'two\n'}]);
  });

  test('asks on a terminal for what is missing, the password hidden', async () => {
    const asked: [string, boolean][] = [];
    const environment: Fakes['environment'] = {
      stdinIsTerminal: () => true,
      ask: async ({text, isHidden}) => {
        asked.push([text, isHidden]);
        return isHidden ? 'secret' : 'somebody';
      },
    };
    const {requests} = await logIn(['ghcr.io'], environment);
    assert.equal(requests, [{registry: 'ghcr.io', username: 'somebody', password: 'secret'}]);
    assert.equal(asked, [
      ['Username: ', false],
      ['Password: ', true],
    ]);
  });

  test('takes the password from WINCH_PASSWORD', async () => {
    const {requests} = await logIn(['-u', 'u'], {variables: {WINCH_PASSWORD: 'secret'}});
    assert.equal(requests, [{registry: 'docker.io', username: 'u', password: 'secret'}]);
  });

  test('warns of a password on the command line, and never repeats it', async () => {
    const {requests, stderr} = await logIn(['-u', 'u', '-p', 'canary']);
    assert.is(requests[0]?.password, 'canary');
    assert.match(stderr, /^WARNING: --password shows the password/);
    assert.not.match(stderr, 'canary');
  });

  test('refuses what it cannot log in with', async () => {
    const wrong: readonly (readonly [words: readonly string[], problem: RegExp])[] = [
      [['--password-stdin'], /--password-stdin needs a user/],
      [['-u', 'u', '-p', 'x', '--password-stdin'], /exclude each other/],
      [[], /no terminal to ask for the user name on/],
      [['-u', 'u'], /no terminal to ask for the password on/],
      [['-u', '', '-p', 'x'], /must not be empty/],
      [['-u', 'u', '--password-stdin'], /must not be empty/],
    ];
    for (const [words, problem] of wrong) {
      const {code, stderr, requests} = await logIn(words);
      assert.equal([code, requests.length], [2, 0], words.join(' '));
      assert.match(stderr, problem);
    }
  });

  test('says where an unprotected secret went, and that nobody checked it', async () => {
    const report = {...REPORT, helper: null, isVerified: false, kind: 'identity-token'} as const;
    const {stderr} = await logIn(['-u', 'u', '--password-stdin'], piped('x'), report);
    assert.match(stderr, 'ghcr.io asks for no login: the password was not checked');
    assert.match(stderr, 'the token is stored unencrypted in /d/config.json');
  });

  test('prints who is logged in', async () => {
    const getLogin = async () => ({source: 'f', username: null, kind: 'registry-token'}) as const;
    assert.is((await runWinch(['login', '--get-login'], {registries: {getLogin}})).stdout, '<registry-token>\n');
    const {code, stderr} = await runWinch(['login', '--get-login', 'u:canary@h:1'], {
      registries: {getLogin: async () => null},
    });
    assert.is(code, 5);
    assert.match(stderr, /^winch: LOGIN_MISSING: nobody is logged in to h:1: log in with winch login\n$/);
  });

  test('logs out, and tells of logins that are not its own', async () => {
    const remaining = {source: '/run/auth.json', username: 'u', kind: 'password'} as const;
    const logout = async (registry: string) => ({registry, wasLoggedIn: registry === 'a.b', remaining});
    const {stdout, stderr} = await runWinch(['logout', 'a.b'], {registries: {logout}});
    assert.is(stdout, 'Removed the login to a.b\n');
    assert.is(stderr, 'WARNING: /run/auth.json still has a login to a.b\n');
    assert.match((await runWinch(['logout'], {registries: {logout}})).stderr, /^not logged in to docker\.io\n/);
    assert.is((await runWinch(['logout', '--all', 'a.b'])).code, 2);
  });
});
