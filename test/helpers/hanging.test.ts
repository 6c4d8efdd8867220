import * as assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync} from 'node:fs';
import {createInterface} from 'node:readline';
import {text} from 'node:stream/consumers';
import {describe} from './suite.ts';

const HANGING = `${import.meta.dirname}/hanging-suite.ts`;
const RUNNER = `${import.meta.dirname}/../run-files.ts`;

/** Runs the test that hangs. */
function startHanging(timeoutMs: number) {
  const env = {...process.env, WINCH_TEST_HANGING_MS: String(timeoutMs)};
  const child = spawn(process.execPath, [RUNNER], {stdio: ['pipe', 'pipe', 'ignore'], env});
  child.stdin.end(`${HANGING}\n`);
  return child;
}

/** What it has started and made. */
function readHanging(line: string): {readonly pid: number; readonly directory: string} {
  const [, pid = '', directory = ''] = /hanging (\d+) (\S+)/.exec(line) ?? [];
  assert.notEqual(pid, '', line);
  return {pid: Number(pid), directory};
}

describe('helpers/hanging', ({test}) => {
  test('a test whose time is up fails, and ends what it has started', async () => {
    const child = startHanging(1000);
    const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    const {pid, directory} = readHanging(output);
    assert.match(output, /never ends: not finished after 1000 ms/);
    assert.match(output, /"passed":0,"failed":1/);
    assert.deepEqual([existsSync(`/proc/${pid}`), existsSync(directory)], [false, false]);
  });

  test('a signal ends the tests and what they have started', async () => {
    const child = startHanging(1_000_000);
    const exited = once(child, 'exit');
    for await (const line of createInterface(child.stdout)) {
      if (!line.includes('hanging ')) continue;
      const {pid} = readHanging(line);
      child.kill('SIGTERM');
      assert.deepEqual(await exited, [143, null]);
      assert.equal(existsSync(`/proc/${pid}`), false);
      return;
    }
    assert.fail('it did not hang');
  });
});
