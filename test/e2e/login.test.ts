import * as assert from 'node:assert/strict';
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {startTokenServer} from '../../fixtures/token-server.ts';
import {type DockerRegistry, HTPASSWD_LOGIN, startDockerRegistry} from '../helpers/docker-registry.ts';
import {findProgram} from '../helpers/requires.ts';
import {requireProgram, runProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch, type WinchExit} from '../helpers/winch.ts';
import {IMAGE} from '../registry/with-registry.ts';

const skip = findProgram('docker-registry') && findProgram('skopeo') ? undefined : 'needs docker-registry and skopeo';
const onTerminal = findProgram('script') ? skip : 'needs script';
const {username, password} = HTPASSWD_LOGIN;
const CANARY = 'canary-4f1c';

const configOf = (winch: Winch): string => join(winch.dockerDirectory, 'config.json');
const readLogins = (path: string) => JSON.parse(readFileSync(path, 'utf8')).auths;
const logIn = (winch: Winch, registry: string, words: readonly string[] = []): Promise<WinchExit> =>
  winch.run(['login', '-u', username, '--password-stdin', ...words, registry], {input: `${password}\n`});

/** Copies {@link IMAGE} there with skopeo, logged in as the file says. */
async function push(target: string, words: readonly string[]): Promise<void> {
  await using source = await startRegistry();
  source.put('app', '1', IMAGE);
  const flags = [
    '--insecure-policy',
    '--preserve-digests',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    ...words,
  ];
  await requireProgram('skopeo', ['copy', ...flags, `docker://${source.host}/app:1`, `docker://${target}`]);
}

/** A helper program for docker, and its place in PATH. */
function installHelper(winch: Winch, name: string, script: string): Readonly<Record<string, string>> {
  const directory = join(winch.directory, 'helpers');
  mkdirSync(directory, {recursive: true});
  writeFileSync(join(directory, `docker-credential-${name}`), `#!/bin/sh\n${script}\n`, {mode: 0o755});
  return {PATH: `${directory}:${process.env.PATH}`};
}

/** The command lines of everything that runs, as anybody may read them. */
const commandLines = (): string =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8');
      } catch {
        return '';
      }
    })
    .join('\n');

describe('e2e/login', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});
  let shared: DockerRegistry | undefined;
  /** The registry with htpasswd, which holds the image as `team/app:1`. */
  const open = () => shared ?? assert.fail('the registry did not start');

  before(async () => {
    if (skip !== undefined) return;
    shared = await startDockerRegistry({htpasswd: true});
    await push(`${shared.host}/team/app:1`, ['--dest-creds', `${username}:${password}`]);
  });
  after(() => shared?.[Symbol.asyncDispose]());

  test('logs in at a registry with htpasswd, pulls, and logs out', async () => {
    const registry = open();
    using winch = makeWinch();
    const pull = () => winch.run(['pull', '-q', `${registry.host}/team/app:1`]);
    assert.match((await pull()).stderr, /AUTH_REQUIRED: .* asks for a login to read team\/app/);

    const login = await logIn(winch, registry.host);
    assert.deepEqual([login.exitCode, login.stdout], [0, 'Login Succeeded\n']);
    assert.match(login.stderr, /^WARNING: the password is stored unencrypted in \S+config\.json/);
    const who = await winch.run(['login', '--get-login', `https://${registry.host}/v2/`]);
    assert.deepEqual([who.exitCode, who.stdout], [0, `${username}\n`]);
    assert.equal((await pull()).stdout, `${IMAGE.manifest.digest}\n`);

    const logout = await winch.run(['logout', registry.host]);
    assert.equal(logout.stdout, `Removed the login to ${registry.host}\n`);
    assert.deepEqual(readLogins(configOf(winch)), {});
    assert.match((await winch.run(['logout', registry.host])).stderr, /^not logged in to /);
    assert.match((await winch.run(['login', '--get-login', registry.host])).stderr, /LOGIN_MISSING/);
  });

  test('keeps nothing of a login that the registry refuses', async () => {
    const registry = open();
    using winch = makeWinch();
    const words = ['login', '-u', username, '--password-stdin', registry.host];
    const {exitCode, stderr} = await winch.run(words, {input: CANARY});
    assert.equal(exitCode, 5);
    assert.match(stderr, /^winch: AUTH_DENIED: /);
    assert.ok(!stderr.includes(CANARY));
    assert.equal(existsSync(configOf(winch)), false);
  });

  test('takes the credentials of the command line and of variables', async () => {
    const registry = open();
    using winch = makeWinch();
    const image = `${registry.host}/team/app:1`;
    const auths = {[registry.host]: {auth: Buffer.from(`${username}:${password}`).toString('base64')}};
    const authfile = join(winch.directory, 'auth.json');
    writeFileSync(authfile, JSON.stringify({auths}));
    const ways: readonly (readonly [words: readonly string[], env: Readonly<Record<string, string>>])[] = [
      [['--creds', `${username}:${password}`], {}],
      [['--creds', username], {WINCH_PASSWORD: password}],
      [['--authfile', authfile], {}],
      [[], {REGISTRY_AUTH_FILE: authfile}],
      [[], {DOCKER_AUTH_CONFIG: JSON.stringify({auths})}],
    ];
    for (const [words, env] of ways) {
      const {exitCode, stderr} = await winch.run(['pull', '-q', '--policy', 'always', ...words, image], {env});
      assert.equal(exitCode, 0, `${words} ${Object.keys(env)}: ${stderr}`);
    }
    const wrong = await winch.run(['pull', '-q', '--creds', `${username}:${CANARY}`, '--policy', 'always', image]);
    assert.match(wrong.stderr, /AUTH_DENIED/);
    assert.ok(!wrong.stderr.includes(CANARY));
  });

  test('writes what skopeo reads, and reads what skopeo writes', async () => {
    const registry = open();
    using winch = makeWinch();
    const authfile = join(winch.directory, 'auth.json');
    for (const file of [authfile, configOf(winch)]) {
      assert.equal((await logIn(winch, registry.host, file === authfile ? ['--authfile', file] : [])).exitCode, 0);
      await push(`${registry.host}/team/app:1`, ['--authfile', file]);
    }
    const there = ['--authfile', authfile, registry.host];
    assert.equal((await runProgram('skopeo', ['logout', ...there])).exitCode, 0);
    assert.match((await winch.run(['login', '--get-login', ...there])).stderr, /LOGIN_MISSING/);
    const flags = ['--tls-verify=false', '-u', username, '--password-stdin'];
    assert.equal((await runProgram('skopeo', ['login', ...flags, ...there], password)).exitCode, 0);
    assert.equal((await winch.run(['login', '--get-login', ...there])).stdout, `${username}\n`);
    const pulled = await winch.run(['pull', '-q', '--authfile', authfile, `${registry.host}/team/app:1`]);
    assert.equal(pulled.stdout, `${IMAGE.manifest.digest}\n`);
    assert.equal((await winch.run(['logout', ...there])).exitCode, 0);
    assert.equal((await runProgram('skopeo', ['login', '--get-login', ...there])).exitCode, 1);
  });

  test('keeps the token that a token server gives in place of the password', async () => {
    await using tokens = await startTokenServer({users: {[username]: password}, hasRefreshTokens: true});
    await using registry = await startDockerRegistry({tokenServer: tokens});
    await push(`${registry.host}/team/app:1`, ['--dest-creds', `${username}:${password}`]);
    using winch = makeWinch();
    const before = tokens.requests.length;
    assert.equal((await logIn(winch, registry.host)).exitCode, 0);
    const {auth, identitytoken} = readLogins(configOf(winch))[registry.host];
    assert.deepEqual([Buffer.from(auth, 'base64').toString(), /^refresh-/.test(identitytoken)], [`${username}:`, true]);
    const pulled = await winch.run(['pull', '-q', `${registry.host}/team/app:1`]);
    assert.equal(pulled.stdout, `${IMAGE.manifest.digest}\n`);
    assert.deepEqual(
      tokens.requests.slice(before).map(({grant, scopes}) => [grant, scopes.join(' ')]),
      [
        ['password', ''],
        ['refresh_token', 'repository:team/app:pull'],
      ],
    );
  });

  test('pulls from a token server without a login, whatever helper is configured and missing', async () => {
    const users = {[username]: password};
    await using tokens = await startTokenServer({users, anonymousPull: true});
    await using registry = await startDockerRegistry({tokenServer: tokens});
    await push(`${registry.host}/team/app:1`, ['--dest-creds', `${username}:${password}`]);
    using winch = makeWinch();
    writeFileSync(configOf(winch), '{"credsStore":"not-installed"}');
    const {exitCode, stderr} = await winch.run(['pull', '-q', `${registry.host}/team/app:1`]);
    assert.equal(exitCode, 0, stderr);
    assert.deepEqual(tokens.requests.at(-1)?.user, null);
  });

  test('A06 shows a secret to nobody while a helper takes its time, and hands it over', async () => {
    const registry = open();
    using winch = makeWinch();
    const [seen, go] = [join(winch.directory, 'seen'), join(winch.directory, 'go')];
    const env = installHelper(
      winch,
      'slow',
      `cat > ${seen}.part; mv ${seen}.part ${seen}; while ! [ -e ${go} ]; do sleep 0.02; done; echo ${password}; echo ${password} >&2`,
    );
    writeFileSync(configOf(winch), JSON.stringify({credsStore: 'slow', other: 1}));
    const words = ['login', '--debug', '-u', username, '--password-stdin', registry.host];
    const login = winch.start(words, {env, input: password});
    await waitFor(() => existsSync(seen));
    assert.ok(!commandLines().includes(password));
    writeFileSync(go, '');
    const {exitCode, stdout, stderr} = await login.exited;
    assert.deepEqual([exitCode, `${stdout}${stderr}`.includes(password)], [0, false], stderr);
    const stored = {ServerURL: registry.host, Username: username, Secret: password};
    assert.deepEqual(JSON.parse(readFileSync(seen, 'utf8')), stored);
    const config = readFileSync(configOf(winch), 'utf8');
    assert.deepEqual(JSON.parse(config), {credsStore: 'slow', other: 1, auths: {[registry.host]: {}}});
  });

  test('A06 repeats nothing of what a helper says, nor of a broken file', async () => {
    const registry = open();
    using winch = makeWinch();
    const image = `${registry.host}/team/app:1`;
    const env = installHelper(winch, 'broken', `echo ${CANARY}; echo ${CANARY} >&2; exit 1`);
    const files = [
      {credHelpers: {[registry.host]: 'broken'}},
      {auths: {[registry.host]: {auth: `%${CANARY}`}}},
      {auths: {[registry.host]: {auth: Buffer.from(`${username}:${CANARY}`).toString('base64')}}},
    ];
    for (const file of files) {
      writeFileSync(configOf(winch), JSON.stringify(file));
      for (const words of [
        ['pull', '--debug', image],
        ['--progress', 'json', 'pull', image],
        ['logout', registry.host],
      ]) {
        const {stdout, stderr} = await winch.run(words, {env});
        assert.doesNotMatch(
          `${stdout}${stderr}`,
          new RegExp(`${CANARY}|${Buffer.from(CANARY).toString('base64').slice(0, 12)}`),
        );
      }
    }
  });

  test('A06 shows no password and no token, with the wire and a trace written down', async () => {
    await using tokens = await startTokenServer({users: {[username]: password}, hasRefreshTokens: true});
    await using registry = await startDockerRegistry({tokenServer: tokens});
    using winch = makeWinch();
    const [image, trace] = [`${registry.host}/team/app:1`, join(winch.directory, 'trace.json')];
    const login = await logIn(winch, registry.host, ['--debug']);
    const {identitytoken} = readLogins(configOf(winch))[registry.host];
    const exits = [login];
    const env = {WINCH_PASSWORD: password, WINCH_REGISTRY_TOKEN: ''};
    exits.push(await winch.run(['--debug', '--trace', trace, 'pull', image]));
    exits.push(await winch.run(['--debug', 'pull', '--creds', username, image], {env}));
    exits.push(await winch.run(['--debug', 'pull', image], {env: {WINCH_REGISTRY_TOKEN: CANARY}}));
    const written = exits.map(({stdout, stderr}) => stdout + stderr).join('') + readFileSync(trace, 'utf8');
    assert.match(written, /authorization: Bearer \*\*\*/);
    // A JWT begins with the base64 of a brace and a quote.
    const secrets = [password, identitytoken, CANARY, 'eyJ', Buffer.from(username).toString('base64')];
    assert.deepEqual(
      secrets.filter((secret) => written.includes(secret)),
      [],
    );
  });

  test('loses no login of several that are made at once', async () => {
    const registry = open();
    using winch = makeWinch();
    const names = ['a', 'b', 'c', 'd'].map((path) => `${registry.host}/${path}`);
    const exits = await Promise.all(names.map((name) => logIn(winch, name)));
    assert.deepEqual(
      exits.map(({exitCode}) => exitCode),
      [0, 0, 0, 0],
    );
    assert.deepEqual(Object.keys(readLogins(configOf(winch))).toSorted(), names);
    const all = await winch.run(['logout', '--all']);
    assert.deepEqual(
      all.stdout.trimEnd().split('\n'),
      names.map((name) => `Removed the login to ${name}`),
    );
    assert.deepEqual(readLogins(configOf(winch)), {});
  });

  declare(
    'asks on the terminal, shows the name and hides the password',
    async () => {
      const registry = open();
      using winch = makeWinch();
      const start = (line: string) =>
        winch.startShell('exec script --quiet --return --command "$LINE" /dev/null', {env: {LINE: line}, input: null});
      const login = start(`winch login ${registry.host}`);
      await waitFor(() => login.readStdout().includes('Username: '));
      login.stdin.write(`${username}\n`);
      await waitFor(() => login.readStdout().includes('Password: '));
      login.stdin.write(`x\x15${password}y\x7f\r`);
      const {exitCode, stdout} = await login.exited;
      assert.equal(exitCode, 0, stdout);
      assert.deepEqual([stdout.includes(username), stdout.includes(password)], [true, false], stdout);

      const interrupted = start(`stty -g; winch login -u x ${registry.host}; code=$?; stty -g; exit $code`);
      await waitFor(() => interrupted.readStdout().includes('Password: '));
      interrupted.stdin.write('\x03');
      const end = await interrupted.exited;
      interrupted.stdin.end();
      assert.equal(end.exitCode, 130, end.stdout);
      const settings = end.stdout.split('\r\n').filter((line) => /^([0-9a-f]+:)+[0-9a-f]+$/.test(line));
      assert.deepEqual([settings.length, new Set(settings).size], [2, 1], end.stdout);
    },
    {skip: onTerminal},
  );
});
