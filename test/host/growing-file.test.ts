import {appendFileSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {isWinchError, WinchError} from '../../src/errors.ts';
import {createGrowingFile, type GrowingFileView, readGrowingFile} from '../../src/host/growing-file.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';

describe('host/growing-file', ({test, after}) => {
  const directory = mkdtempSync(join(tmpdir(), 'winch-growing-'));
  after(() => rmSync(directory, {recursive: true}));
  let count = 0;
  const newFile = (content = '') => {
    const path = join(directory, String(count++));
    writeFileSync(path, content);
    return path;
  };

  test('yields the bytes as they are said to be there, and ends', async () => {
    const path = newFile('ab');
    const file = createGrowingFile(path, 6);
    const pieces: string[] = [];
    file.advance(2);
    for await (const piece of readGrowingFile(file.view)) {
      pieces.push(String(piece));
      if (pieces.length === 1) {
        appendFileSync(path, 'cdef');
        file.advance(4);
        setTimeout(() => file.complete(), 10);
      }
    }
    assert.equal(pieces, ['ab', 'cd', 'ef']);
  });

  test('never reads beyond what is announced, even when the file has more', async () => {
    const file = createGrowingFile(newFile('abcdef'), 3);
    file.complete();
    assert.is(await readAll(file.view), 'abc');
  });

  test('ends at once for an empty file', async () => {
    const file = createGrowingFile(newFile(), 0);
    assert.is(await readAll(file.view), '');
    file.complete();
  });

  test('throws what the writer failed with, after the bytes before', async () => {
    const file = createGrowingFile(newFile('abc'), 6);
    file.advance(3);
    file.fail(new WinchError('REGISTRY_UNREACHABLE', 'gone', {kind: 'unavailable', hint: 'wait'}));
    const pieces: string[] = [];
    try {
      for await (const piece of readGrowingFile(file.view)) pieces.push(String(piece));
      assert.unreachable();
    } catch (error) {
      assert.ok(isWinchError(error, 'REGISTRY_UNREACHABLE'));
      assert.is(error.hint, 'wait');
    }
    assert.equal(pieces, ['abc']);
  });

  test('says when there is something to read', async () => {
    const file = createGrowingFile(newFile('ab'), 2);
    const begun = file.begun();
    assert.is(await Promise.race([begun, 'nothing']), 'nothing');
    file.advance(1);
    assert.is(await begun, undefined);
    const empty = createGrowingFile(newFile(), 0);
    empty.complete();
    await empty.begun();
  });

  test('says that nothing will come, to who waits for its beginning', async () => {
    const failure = new Error('gone');
    const file = createGrowingFile(newFile(), 2);
    file.fail(failure);
    assert.is(await rejectionOf(file.begun()), failure);
    const reason = new Error('stop');
    const stalled = createGrowingFile(newFile(), 2);
    assert.is(await rejectionOf(stalled.begun(AbortSignal.abort(reason))), reason);
    const controller = new AbortController();
    const begun = stalled.begun(controller.signal);
    controller.abort(reason);
    assert.is(await rejectionOf(begun), reason);
  });

  test('throws the reason of an abort untouched while it waits', async () => {
    const file = createGrowingFile(newFile('abc'), 6);
    const controller = new AbortController();
    const reason = new Error('stop');
    setTimeout(() => controller.abort(reason), 10);
    file.advance(3);
    assert.is(await rejectionOf(readAll(file.view, controller.signal)), reason);
    file.complete();
  });

  test('notices a file that is shorter than was said, and one that is missing', async () => {
    const short = createGrowingFile(newFile('abc'), 6);
    short.complete();
    assert.match((await rejectionOf(readAll(short.view))).message, /ends at 3/);
    const missing = createGrowingFile(join(directory, 'missing'), 6);
    missing.complete();
    assert.is((await rejectionOf(readAll(missing.view))).code, 'ENOENT');
  });

  test('closes its port when it is left early', async () => {
    const file = createGrowingFile(newFile('abc'), 6);
    file.advance(3);
    const closed = new Promise((resolve) => file.view.port.once('close', resolve));
    for await (const _ of readGrowingFile(file.view)) break;
    await closed;
  });
});

async function readAll(view: GrowingFileView, signal?: AbortSignal): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of readGrowingFile(view, {signal})) pieces.push(piece);
  return String(Buffer.concat(pieces));
}
