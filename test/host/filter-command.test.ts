import {setTimeout as sleep} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {filterThrough} from '../../src/host/filter-command.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';

const environment = {PATH: '/usr/bin:/bin'};
const onFailure = (said: string) => new Error(`it said: ${said}`);
const shell = (script: string) => ['sh', '-c', script] as const;

async function* pieces(...texts: readonly string[]) {
  for (const text of texts) yield Buffer.from(text);
}

async function readAll(chunks: AsyncIterable<Buffer>): Promise<string> {
  const read: Buffer[] = [];
  for await (const chunk of chunks) read.push(chunk);
  return Buffer.concat(read).toString();
}

const errorOf = (chunks: AsyncIterable<Buffer>): Promise<unknown> => readAll(chunks).catch((error: unknown) => error);

describe('host/filter-command', ({test}) => {
  test('gives what the program makes of the stream', async () => {
    const filtered = filterThrough(['tr', 'a-z', 'A-Z'], pieces('one ', 'two'), {environment, onFailure});
    assert.is(await readAll(filtered), 'ONE TWO');
  });

  test('gives many megabytes, of which none is lost', async () => {
    async function* zeros() {
      for (let count = 0; count < 64; count++) yield Buffer.alloc(256 * 1024);
    }
    const counted = filterThrough(shell('cat | wc -c'), zeros(), {environment, onFailure});
    assert.is((await readAll(counted)).trim(), String(64 * 256 * 1024));
  });

  test('tells of a program that fails, and of one that is not there', async () => {
    const failed = await errorOf(
      filterThrough(shell('cat; echo broken >&2; exit 3'), pieces('x'), {environment, onFailure}),
    );
    assert.is((failed as Error).message, 'it said: broken');
    const absent = await errorOf(filterThrough(['no-such-program'], pieces('x'), {environment, onFailure}));
    assert.is((absent as NodeJS.ErrnoException).code, 'ENOENT');
  });

  test('throws what made the source fail', async () => {
    const reason = new Error('the source broke');
    async function* broken() {
      yield Buffer.from('x');
      throw reason;
    }
    assert.is(await errorOf(filterThrough(shell('cat; exit 1'), broken(), {environment, onFailure})), reason);
  });

  test('throws the reason of an abort while the source has nothing', async () => {
    const controller = new AbortController();
    const reason = new Error('enough');
    async function* stalled() {
      yield Buffer.from('x');
      await sleep(60_000, undefined, {ref: false});
    }
    const options = {environment, onFailure, signal: controller.signal};
    const filtered = filterThrough(['cat'], stalled(), options);
    assert.is((await filtered.next()).value?.toString(), 'x');
    controller.abort(reason);
    assert.is(await errorOf(filtered), reason);
  });

  test('releases the source and ends the program when it is left', async () => {
    let isReleased = false;
    async function* endless() {
      try {
        for (;;) yield Buffer.alloc(1024, 'x');
      } finally {
        isReleased = true;
      }
    }
    for await (const chunk of filterThrough(['cat'], endless(), {environment, onFailure})) {
      assert.ok(chunk.length > 0);
      break;
    }
    await waitFor(() => isReleased);
  });
});
