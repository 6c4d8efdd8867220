import {readdirSync, readlinkSync} from 'node:fs';
import {Worker} from 'node:worker_threads';
import * as assert from 'uvu/assert';
import {callProgram} from '../../src/host/call-program.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';

const MODULE = new URL('../../src/host/call-program.ts', import.meta.url).href;
const ENVIRONMENT = {PATH: '/usr/bin:/bin'};

describe('host/call-program', ({test}) => {
  const shell = (script: string, timeoutMs?: number) =>
    callProgram('/bin/sh', ['-c', script], {environment: ENVIRONMENT, ...(timeoutMs && {timeoutMs})});
  const memoryFiles = () =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith('/memfd:printed');
      } catch {
        return false;
      }
    });

  test('returns the exit code and both streams', async () => {
    assert.equal(await shell('echo out; echo err >&2; exit 3'), {exitCode: 3, stdout: 'out\n', stderr: 'err\n'});
    assert.equal(await shell('true'), {exitCode: 0, stdout: '', stderr: ''});
  });

  test('a signal is 128 and its number', async () => {
    assert.is((await shell('kill -TERM $$')).exitCode, 143);
  });

  test('passes words as they are and nothing of this process on', async () => {
    const {stdout} = await callProgram('/usr/bin/printenv', [], {environment: {A: '$(id)'}});
    assert.is(stdout, 'A=$(id)\n');
    assert.is((await shell('cat')).stdout, '', 'standard input is at its end');
  });

  test('returns no more than 1 MiB of what is printed', async () => {
    const {exitCode, stdout, stderr} = await shell('head -c 3000000 /dev/zero; echo err >&2; exit 4');
    assert.equal([exitCode, stdout.length, stderr], [4, 1024 * 1024, 'err\n']);
  });

  test('kills what takes too long', async () => {
    const error = await rejectionOf(shell('exec sleep 30', 50));
    assert.is(error.code, 'COMMAND_TIMEOUT');
    assert.match(error.message, '/bin/sh');
  });

  test('is not held up by a grandchild that keeps the streams open', async () => {
    const started = performance.now();
    assert.is((await shell('sleep 3 & echo done')).stdout, 'done\n');
    assert.ok(performance.now() - started < 2000);
  });

  test('a program that is not there is a system error, and nothing stays open', async () => {
    const error = await rejectionOf(callProgram('/nowhere/at-all', [], {environment: {}}));
    assert.is(error.code, 'ENOENT');
    await Promise.all(['exit 1', 'exit 2'].map((script) => shell(script)));
    assert.equal(memoryFiles(), []);
  });

  test('a thread that hears no signals notices the end at once as well', async () => {
    const script = `
      const {parentPort} = require('node:worker_threads');
      import('${MODULE}').then(async ({callProgram}) => {
        await callProgram('/bin/true', [], {environment: {}});
        const started = performance.now();
        for (let i = 0; i < 5; i += 1) await callProgram('/bin/true', [], {environment: {}});
        parentPort.postMessage(performance.now() - started);
      });`;
    const worker = new Worker(script, {eval: true});
    const tookMs = await new Promise<number>((resolve, reject) =>
      worker.once('message', resolve).once('error', reject),
    );
    await worker.terminate();
    assert.ok(tookMs < 1000, `${tookMs} ms`);
  });
});
