import * as assert from 'uvu/assert';
import {createRawWriter} from '../../../src/cli/render/raw-writer.ts';
import {describe} from '../../helpers/suite.ts';

const write = (isTerminal: boolean, ...pieces: readonly Uint8Array[]) => {
  const written: (string | Uint8Array)[] = [];
  const writeRaw = createRawWriter({write: (piece) => void written.push(piece)}, () => isTerminal);
  for (const piece of pieces) writeRaw(piece);
  return written;
};

describe('cli/render/raw-writer', ({test}) => {
  test('passes bytes on as they are', () => {
    const piece = Buffer.from([0, 27, 0xff, 10]);
    assert.is(write(false, piece)[0], piece);
  });

  test('N01 gives a terminal nothing that it would obey', () => {
    const text = '{\n\t"a": "\x1b]52;c;x\x07\u202e\x9b"\r}\n';
    assert.is(write(true, Buffer.from(text)).join(''), '{\n\t"a": "\\x1b]52;c;x\\x07\\u{202e}\\x9b"\\x0d}\n');
  });

  test('keeps characters whole that two pieces share', () => {
    const bytes = Buffer.from('é');
    assert.is(write(true, bytes.subarray(0, 1), bytes.subarray(1)).join(''), 'é');
  });

  test('tells when nobody reads any more', () => {
    assert.is(createRawWriter({write: () => false}, () => false)(Buffer.from('x')), false);
  });
});
