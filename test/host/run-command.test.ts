import {getEventListeners} from 'node:events';
import * as assert from 'uvu/assert';
import {runCommand} from '../../src/host/run-command.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';

describe('host/run-command', ({test}) => {
  const shell = (script: string, options: Partial<Parameters<typeof runCommand>[2]> = {}) =>
    runCommand('/bin/sh', ['-c', script], {environment: {PATH: '/usr/bin:/bin'}, ...options});

  test('returns the exit code and both streams', async () => {
    assert.equal(await shell('echo out; echo err >&2; exit 3'), {exitCode: 3, stdout: 'out\n', stderr: 'err\n'});
  });

  test('a signal is 128 and its number', async () => {
    assert.is((await shell('kill -TERM $$')).exitCode, 143);
    assert.is((await shell('kill -KILL $$')).exitCode, 137);
  });

  test('passes arguments as they are and nothing of this process on', async () => {
    const {stdout} = await runCommand('/usr/bin/printenv', [], {environment: {A: '$(id)'}});
    assert.is(stdout, 'A=$(id)\n');
    assert.is((await runCommand('/bin/echo', ['a b', '; id', '*'], {environment: {}})).stdout, 'a b ; id *\n');
    assert.is((await shell('cat')).stdout, '', 'standard input is at its end');
    assert.is((await shell('pwd', {workingDirectory: '/usr'})).stdout, '/usr\n');
  });

  test('cuts endless output, and lets the program end', async () => {
    const {exitCode, stdout, stderr} = await shell('head -c 3000000 /dev/zero; head -c 3000000 /dev/zero >&2; exit 4');
    assert.is(exitCode, 4);
    assert.is(stdout.length, 1024 * 1024);
    assert.is(stderr.length, 1024 * 1024);
  });

  test('kills what takes too long', async () => {
    const error = await rejectionOf(shell('sleep 30', {timeoutMs: 50}));
    assert.is(error.code, 'COMMAND_TIMEOUT');
    assert.match(error.message, '/bin/sh');
  });

  test('is not held up by a grandchild that keeps the streams open', async () => {
    const started = performance.now();
    assert.is((await rejectionOf(shell('sleep 3 & sleep 3', {timeoutMs: 50}))).code, 'COMMAND_TIMEOUT');
    assert.is((await rejectionOf(shell('sleep 3 & exit 0', {timeoutMs: 50}))).code, 'COMMAND_TIMEOUT');
    assert.ok(performance.now() - started < 2000);
  });

  test('an abort kills it, rejects with its reason and leaves no listener', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    const running = rejectionOf(shell('sleep 3 & sleep 3', {signal: controller.signal}));
    setTimeout(() => controller.abort(reason), 20);
    assert.is(await running, reason);
    assert.is(await rejectionOf(shell('exit 0', {signal: controller.signal})), reason);
    assert.is(getEventListeners(controller.signal, 'abort').length, 0);
  });

  test('a program that is not there is a system error', async () => {
    assert.is((await rejectionOf(runCommand('/nowhere/at-all', [], {environment: {}}))).code, 'ENOENT');
  });
});
