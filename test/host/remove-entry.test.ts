import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {removeEntry} from '../../src/host/remove-entry.ts';
import {describe} from '../helpers/suite.ts';

describe('host/remove-entry', ({test, before, after}) => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'winch-remove-'));
  });
  after(() => rmSync(directory, {recursive: true}));

  test('removes a tree and follows no link on the way', () => {
    mkdirSync(join(directory, 'kept'));
    writeFileSync(join(directory, 'kept/file'), '');
    mkdirSync(join(directory, 'tree/deep/deeper'), {recursive: true});
    writeFileSync(join(directory, 'tree/deep/file'), '');
    symlinkSync('../../kept', join(directory, 'tree/deep/link'));
    symlinkSync('kept', join(directory, 'top'));
    const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    for (const name of ['tree', 'top', 'missing']) removeEntry(fd, Buffer.from(name));
    closeSync(fd);
    assert.equal(readdirSync(directory), ['kept']);
    assert.ok(existsSync(join(directory, 'kept/file')));
  });
});
