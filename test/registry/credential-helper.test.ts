import * as assert from 'node:assert/strict';
import {chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {
  askCredentialHelper,
  eraseFromCredentialHelper,
  listCredentialHelper,
  storeInCredentialHelper,
} from '../../src/registry/credential-helper.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, printable} from './with-registry.ts';

const directory = mkdtempSync(join(tmpdir(), 'winch-helper-'));
const environment = {PATH: `${directory}:/usr/bin:/bin`, HOME: directory};

const request = {name: 'test', serverAddress: 'ghcr.io', environment};

/** Installs a helper that is this shell script. */
function install(script: string): void {
  writeFileSync(join(directory, 'docker-credential-test'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(directory, 'docker-credential-test'), 0o755);
}

/** Installs a helper and asks it. */
function ask(script: string, options: {readonly timeoutMs?: number; readonly signal?: AbortSignal} = {}) {
  install(script);
  return askCredentialHelper({...request, ...options});
}

const print = (answer: unknown) => `echo '${JSON.stringify(answer)}'`;

describe('registry/credential-helper', ({test, after}) => {
  after(() => rmSync(directory, {recursive: true}));

  test('gives the address on standard input and reads user and secret', async () => {
    const script = `cat > ${directory}/in; echo "$#:$1" > ${directory}/args; ${print({ServerURL: 'ghcr.io', Username: 'u', Secret: 's'})}`;
    assert.deepEqual(await ask(script), {username: 'u', password: 's'});
    assert.equal(readFileSync(join(directory, 'in'), 'utf8'), 'ghcr.io\n');
    assert.equal(readFileSync(join(directory, 'args'), 'utf8'), '1:get\n');
  });

  test('reads an identity token', async () => {
    assert.deepEqual(await ask(print({Username: '<token>', Secret: 's'})), {identityToken: 's'});
  });

  test('shows the helper the given environment only', async () => {
    await ask(`env > ${directory}/env; ${print({Username: 'u', Secret: 's'})}`);
    const names = readFileSync(join(directory, 'env'), 'utf8')
      .split('\n')
      .map((line) => line.split('=')[0]);
    assert.deepEqual(
      names.filter((name) => !['PATH', 'HOME', 'PWD', 'SHLVL', '_', 'OLDPWD', ''].includes(name ?? '')),
      [],
    );
  });

  test('takes "not found" and empty answers for no credential', async () => {
    assert.equal(await ask('echo "credentials not found in native keychain"; exit 1'), null);
    assert.equal(await ask(print({Username: '', Secret: ''})), null);
  });

  const failures: readonly (readonly [title: string, script: string, fault: RegExp])[] = [
    ['an exit code', 'echo canary; echo canary >&2; exit 3', /failed with exit code 3$/],
    ['no JSON', 'echo canary', /did not answer with JSON$/],
    ['other JSON', `echo '{"Secret":"canary"}'`, /did not answer with Username and Secret$/],
    ['endless output', 'yes canary', /printed more than 1 MiB$/],
    ['death by a signal', 'kill -9 $$', /was killed$/],
  ];
  for (const [title, script, fault] of failures) {
    test(`A06 fails on ${title}, repeating nothing of it`, async () => {
      const error = await failureOf(ask(script));
      assert.equal(error.code, 'CREDENTIAL_HELPER_FAILED');
      assert.equal(error.kind, 'unauthorized');
      assert.match(error.message, fault);
      assert.doesNotMatch(printable(error), /canary/);
    });
  }

  test('A06 kills a helper that hangs, and what it started', async () => {
    const error = await failureOf(ask(`(sleep 1; touch ${directory}/alive) & wait`, {timeoutMs: 200}));
    assert.match(error.message, /gave no answer in 0\.2 s/);
    await sleep(1200);
    assert.equal(existsSync(join(directory, 'alive')), false);
  });

  test('ends with the reason of an abort', async () => {
    const reason = new Error('enough');
    await assert.rejects(ask('sleep 5', {signal: AbortSignal.abort(reason)}), reason);
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 50);
    await assert.rejects(ask('sleep 5', {signal: controller.signal}), reason);
  });

  test('says that a helper is not installed', async () => {
    const error = await failureOf(askCredentialHelper({name: 'absent', serverAddress: 'h', environment}));
    assert.match(error.message, /^docker-credential-absent for h is not installed$/);
  });

  test('runs no program elsewhere', async () => {
    for (const name of ['../evil', 'a/b', '', '-x', 'a b']) {
      const error = await failureOf(askCredentialHelper({name, serverAddress: 'h', environment}));
      assert.match(error.message, /has a name that no program has/);
    }
  });

  test('hands a login over on standard input alone', async () => {
    install(`cat > ${directory}/in; echo "$#:$1" > ${directory}/args`);
    const handed = () => JSON.parse(readFileSync(join(directory, 'in'), 'utf8'));
    await storeInCredentialHelper(request, {username: 'u', secret: 'canary', isIdentityToken: false});
    assert.deepEqual(handed(), {ServerURL: 'ghcr.io', Username: 'u', Secret: 'canary'});
    assert.equal(readFileSync(join(directory, 'args'), 'utf8'), '1:store\n');
    await storeInCredentialHelper(request, {username: 'u', secret: 'canary', isIdentityToken: true});
    assert.deepEqual(handed(), {ServerURL: 'ghcr.io', Username: '<token>', Secret: 'canary'});
  });

  test('makes it forget a server, known or not', async () => {
    install(`cat > ${directory}/in; echo "$#:$1" > ${directory}/args`);
    await eraseFromCredentialHelper(request);
    assert.equal(readFileSync(join(directory, 'args'), 'utf8'), '1:erase\n');
    assert.equal(readFileSync(join(directory, 'in'), 'utf8'), 'ghcr.io\n');
    install('echo "credentials not found in native keychain"; exit 1');
    await eraseFromCredentialHelper(request);
  });

  test('lists the servers that it knows', async () => {
    install(`[ "$1" = list ] && ${print({'ghcr.io': 'u', 'https://index.docker.io/v1/': 'v'})}`);
    assert.deepEqual(await listCredentialHelper(request), ['ghcr.io', 'https://index.docker.io/v1/']);
  });

  test('A06 reports failures of every call without what was sent or printed', async () => {
    install('cat; cat >&2; exit 2');
    const login = {username: 'u', secret: 'canary', isIdentityToken: false};
    const calls = [
      () => storeInCredentialHelper(request, login),
      () => eraseFromCredentialHelper(request),
      () => listCredentialHelper(request),
    ];
    for (const call of calls) {
      const error = await failureOf(call());
      assert.match(error.message, /^docker-credential-test for .* failed with exit code 2$/);
      assert.doesNotMatch(printable(error), /canary/);
    }
  });

  test('says that a helper cannot be started', async () => {
    install('exit 0');
    chmodSync(join(directory, 'docker-credential-test'), 0o644);
    const error = await failureOf(askCredentialHelper(request));
    assert.match(error.message, /cannot be started \(EACCES\)$/);
  });
});
