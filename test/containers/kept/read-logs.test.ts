import {createHash} from 'node:crypto';
import {statSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import type {LogPiece} from '../../../src/containers/kept/log-records.ts';
import {missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {type KeptStore, openKeptStore} from './kept-store.ts';

const LINE_BYTES = 32 * 1024 * 1024;
const MOST_PIECE_BYTES = 512 * 1024;
const LIMIT_BYTES = 64 * 1024;
const skip = missingFor('runc', 'busybox', 'conmon');

describe('containers/kept/read-logs', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('follows a container to its end, and misses nothing that it prints last', async () => {
    const id = await store().start(
      'for i in 1 2 3 4 5; do echo $i; sleep 0.1; done; echo last >&2; sleep 0.3; echo -n open',
    );
    const followed = await store().readLogs(id, {follow: true});
    assert.equal(followed, {stdout: '1\n2\n3\n4\n5\nopen', stderr: 'last\n'});
    assert.equal(await store().readLogs(id, {follow: true, tail: 2}), {stdout: 'open', stderr: 'last\n'});
  });

  test('a container that was never started has printed nothing', async () => {
    const id = await store().create('echo never');
    assert.equal(await store().readLogs(id, {follow: true}), {stdout: '', stderr: ''});
  });

  test('a log with a limit begins anew, and who follows it misses nothing', async () => {
    const batch =
      'i=0; while [ $i -lt 400 ]; do echo "$line $i: as long as many a line is"; i=$((i+1)); done; echo over';
    const script = `while read -r line; do ${batch}; done`;
    const id = await store().create(script, {interactive: true, largestLogBytes: LIMIT_BYTES});
    const {containers} = store().toolkit;
    await using attachment = await containers.attach(id, {start: true});
    const output = attachment.output();
    for (const name of ['one', 'two', 'three', 'four', 'five', 'six']) {
      await attachment.write(Buffer.from(`${name}\n`));
      const lines = Array.from({length: 400}, (_, index) => `${name} ${index}: as long as many a line is\n`);
      assert.is(await readBatch(output), `${lines.join('')}over\n`);
    }
    await attachment.endInput();
    assert.is(await attachment.wait(), 0);
    const log = join(store().root, 'kept', id, 'log');
    assert.ok(statSync(log).size <= LIMIT_BYTES, `${statSync(log).size} bytes`);
    const kept = (await store().readLogs(id)).stdout;
    assert.match(kept, /six 399: as long as many a line is\nover\n$/);
    assert.not.match(kept, 'one 0');
    assert.is((await store().readLogs(id, {tail: 1, follow: true})).stdout, 'over\n');
    await store().requireNoTraces();
  });

  const readBatch = async (output: AsyncGenerator<LogPiece>) => {
    let text = '';
    while (!text.endsWith('over\n')) {
      const {value, done} = await output.next();
      if (done) throw new Error(`it has ended after ${text}`);
      text += value.bytes.toString();
    }
    return text;
  };

  test('U14 a line of any length and any bytes comes out as it went in, in little memory', async () => {
    const id = await store().start(`head -c ${LINE_BYTES} /dev/zero; echo; echo end`);
    await store().toolkit.containers.wait(id);
    const expected = createHash('sha256').update(Buffer.alloc(LINE_BYTES)).update('\nend\n').digest('hex');
    const hash = createHash('sha256');
    let largest = 0;
    for await (const {bytes} of store().toolkit.containers.logs(id)) {
      hash.update(bytes);
      largest = Math.max(largest, bytes.length);
    }
    assert.is(hash.digest('hex'), expected);
    assert.ok(largest < MOST_PIECE_BYTES, `${largest} bytes at once`);
    assert.is((await store().readLogs(id, {tail: 1})).stdout, 'end\n');
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
