import {randomBytes} from 'node:crypto';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import type {Attachment} from '../../../src/containers/kept/attach-container.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingCgroup, missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, type KeptStore, openKeptStore} from './kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');
const SEVERAL_MEGABYTES = 4 * 2 ** 20;

describe('containers/kept/attach', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown, lacking?: string) =>
    declare(title, body, {skip: skip ?? lacking, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const readAll = async (attachment: Attachment) => {
    const output = {stdout: Buffer.alloc(0), stderr: Buffer.alloc(0)};
    for await (const {stream, bytes} of attachment.output()) output[stream] = Buffer.concat([output[stream], bytes]);
    return {stdout: output.stdout.toString('latin1'), stderr: output.stderr.toString('latin1')};
  };
  const readUntil = async (attachment: Attachment, text: string) => {
    let seen = '';
    for await (const {bytes} of attachment.output()) {
      seen += bytes.toString('latin1');
      if (seen.includes(text)) return seen;
    }
    throw new Error(`it has ended without ${JSON.stringify(text)}: ${JSON.stringify(seen)}`);
  };

  test('starts a container and misses nothing of it, nor its code, also of one that goes then', async () => {
    for (const autoRemove of [false, true]) {
      const id = await store().create('echo out; echo err >&2; exit 4', {autoRemove});
      for (const round of autoRemove ? [1] : [1, 2]) {
        await using attachment = await containers().attach(id, {start: true});
        assert.equal(await readAll(attachment), {stdout: 'out\n', stderr: 'err\n'}, `round ${round}`);
        assert.is(await attachment.wait(), 4);
      }
      if (autoRemove) await eventually(() => !existsSync(join(store().root, 'kept', id)));
    }
    await store().requireNoTraces();
  });

  test('passes on input byte for byte, and its end', async () => {
    const bytes = randomBytes(SEVERAL_MEGABYTES);
    const id = await store().create('cat', {interactive: true});
    await using attachment = await containers().attach(id, {start: true});
    const output = readAll(attachment);
    assert.ok(await attachment.write(bytes));
    await attachment.endInput();
    const {stdout} = await output;
    assert.ok(Buffer.from(stdout, 'latin1').equals(bytes), `${stdout.length} of ${bytes.length} bytes`);
    assert.is(await attachment.wait(), 0);
    await store().requireNoTraces();
  });

  test('leaving does not end it, and input that stays open can be written to by others', async () => {
    const script = 'while read -r line; do echo "<$line>"; done; exit 5';
    const id = await store().start(script, {interactive: true, keepsInput: true});
    for (const line of ['one', 'two']) {
      await using attachment = await containers().attach(id);
      await attachment.write(Buffer.from(`${line}\n`));
      assert.is(await readUntil(attachment, `<${line}>\n`), `<${line}>\n`, 'what came before is not shown');
    }
    assert.is((await store().find(id)).state, 'running');
    await containers().remove(id, {force: true});
    await store().requireNoTraces();
  });

  test('U14 one who does not read holds nothing up', async () => {
    const id = await store().create(`head -c ${SEVERAL_MEGABYTES} /dev/zero; exit 3`, {interactive: true});
    await using attachment = await containers().attach(id, {start: true});
    assert.is(await attachment.wait(), 3);
    assert.is((await readAll(attachment)).stdout.length, SEVERAL_MEGABYTES);
    await store().requireNoTraces();
  });

  test('what is written to one that does not read waits, and goes with the attachment', async () => {
    const id = await store().start('sleep 600', {interactive: true});
    const attachment = await containers().attach(id);
    let isOver = false;
    const written = attachment.write(randomBytes(SEVERAL_MEGABYTES)).finally(() => {
      isOver = true;
    });
    assert.is(isOver, false);
    await attachment[Symbol.asyncDispose]();
    assert.is(await written, false);
    await containers().remove(id, {force: true});
    await store().requireNoTraces();
  });

  test('a terminal has the size that it is told, and outlives those who leave it', async () => {
    const id = await store().create('', {interactive: true, container: {terminal: true, command: ['sh']}});
    {
      await using attachment = await containers().attach(id, {start: true});
      assert.equal([attachment.hasTerminal, attachment.takesInput], [true, true]);
      attachment.resize({columns: 101, rows: 33});
      await attachment.write(Buffer.from('stty size; tty\n'));
      assert.match(await readUntil(attachment, '/dev/pts/0\r\n'), '33 101\r\n');
    }
    await using again = await containers().attach(id);
    await again.write(Buffer.from('exit 6\n'));
    await readAll(again);
    assert.is(await again.wait(), 6);
    await store().requireNoTraces();
  });

  test(
    'refuses what does not run, and tells of what was removed',
    async () => {
      assert.is(await codeOf(containers().attach('none')), 'CONTAINER_UNKNOWN');
      assert.is(await codeOf(containers().attach(await store().create('true'))), 'CONTAINER_STOPPED');
      const id = await store().start('sleep 600');
      await containers().pause(id);
      assert.is(await codeOf(containers().attach(id)), 'CONTAINER_PAUSED');
      await containers().unpause(id);
      await using attachment = await containers().attach(id);
      assert.is(await attachment.write(Buffer.from('x')), false, 'it was not made to read');
      const ended = attachment.wait();
      await containers().remove(id, {force: true});
      assert.ok([137, 255].includes(await ended));
      await store().requireNoTraces();
    },
    missingCgroup(),
  );
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
