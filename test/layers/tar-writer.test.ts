import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {writeTar} from '../../src/layers/tar-writer.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {runProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const fileOf = (path: string, content: string) => ({path, size: content.length, content: [Buffer.from(content)]});

describe('layers/tar-writer', ({test}) => {
  test('writes files that tar reads back, with their directories and names longer than a header holds', async () => {
    using directory = makeTemporaryDirectory();
    const long = `blobs/sha512/${'a'.repeat(128)}`;
    const tar = await buffer(writeTar([fileOf('a', 'x'.repeat(513)), fileOf(long, 'long')]));
    const path = join(directory.path, 'written.tar');
    writeFileSync(path, tar);
    const listed = await runProgram('tar', ['--utc', '--numeric-owner', '-tvf', path]);
    assert.is(
      listed.stdout.replace(/ +/g, ' '),
      [
        '-rw-r--r-- 0/0 513 1970-01-01 00:00 a',
        'drwxr-xr-x 0/0 0 1970-01-01 00:00 blobs/',
        'drwxr-xr-x 0/0 0 1970-01-01 00:00 blobs/sha512/',
        `-rw-r--r-- 0/0 4 1970-01-01 00:00 ${long}\n`,
      ].join('\n'),
    );
    assert.is((await runProgram('tar', ['-xOf', path, long])).stdout, 'long');
    assert.is(tar.length % 512, 0);
  });

  test('refuses to write another size than the header says', async () => {
    const error = await rejectionOf(buffer(writeTar([{...fileOf('a', 'content'), size: 3}])));
    assert.match(error.message, /a has 7 bytes instead of 3/);
  });
});
