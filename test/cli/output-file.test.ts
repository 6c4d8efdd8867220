import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {inOnePiece, writeResult} from '../../src/cli/output-file.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {environmentOf} from './environment-of.ts';

type Context = Parameters<typeof writeResult>[0];

const contextIn = (directory: string, parts: Partial<Context> = {}): Context => ({
  environment: environmentOf({workingDirectory: () => directory}),
  signal: new AbortController().signal,
  durability: 'full',
  onEvent: () => {},
  print: () => {},
  writeBytes: () => true,
  passOn: () => true,
  remark: () => {},
  openToolkit: () => Promise.reject(new Error('not here')),
  becomeRoot: async () => {},
  becomeRootOf: async () => {},
  becomeRootOfStore: async () => {},
  ...parts,
});

async function* brokenAfter(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
  throw new Error('broken');
}

describe('cli/output-file', ({test}) => {
  test('writes a file of the working directory', async () => {
    using directory = makeTemporaryDirectory();
    await writeResult(contextIn(directory.path), 'out', inOnePiece(Buffer.from('new')));
    assert.is(readFileSync(join(directory.path, 'out'), 'utf8'), 'new');
  });

  test('leaves the old file and nothing else when something fails', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'out');
    writeFileSync(path, 'old');
    assert.is((await rejectionOf(writeResult(contextIn('/'), path, brokenAfter('new')))).message, 'broken');
    assert.is(readFileSync(path, 'utf8'), 'old');
    assert.equal(readdirSync(directory.path), ['out']);
  });

  test('leaves nothing when it is interrupted', async () => {
    using directory = makeTemporaryDirectory();
    const controller = new AbortController();
    const reason = new Error('enough');
    async function* interrupted(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('new');
      controller.abort(reason);
      yield Buffer.from('more');
    }
    const context = contextIn(directory.path, {signal: controller.signal});
    assert.is(await rejectionOf(writeResult(context, 'out', interrupted())), reason);
    assert.equal(readdirSync(directory.path), []);
  });

  test('writes to what a link leads to, and to devices in place', async () => {
    using directory = makeTemporaryDirectory();
    const [file, link] = [join(directory.path, 'file'), join(directory.path, 'link')];
    writeFileSync(file, 'old');
    symlinkSync(file, link);
    await writeResult(contextIn('/'), link, inOnePiece(Buffer.from('new')));
    assert.equal([readFileSync(file, 'utf8'), readlinkSync(link)], ['new', file]);
    await writeResult(contextIn('/'), '/dev/null', inOnePiece(Buffer.from('x')));
    assert.ok(statSync('/dev/null').isCharacterDevice());
  });

  test('names a place that cannot be written', async () => {
    using directory = makeTemporaryDirectory();
    mkdirSync(join(directory.path, 'directory'));
    chmodSync(directory.path, 0o755);
    for (const path of ['directory', 'nowhere/out', '/dev/full']) {
      const error = await rejectionOf(writeResult(contextIn(directory.path), path, inOnePiece(Buffer.from('x'))));
      assert.is(error.code, 'OUTPUT_FAILED', path);
    }
    assert.equal(readdirSync(directory.path), ['directory']);
  });

  test('stops reading when nobody takes the bytes', async () => {
    let pieces = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        pieces += 1;
        yield Buffer.from('x');
      }
    }
    let accepted = 0;
    await writeResult(contextIn('/', {writeBytes: () => ++accepted < 3}), undefined, endless());
    assert.equal([pieces, accepted], [3, 3]);
  });
});
