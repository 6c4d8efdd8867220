import {spawnSync} from 'node:child_process';
import {chmodSync, chownSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {FILE_TYPE, type Listing, listTree} from '../helpers/file-tree.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {missingForUser} from '../helpers/unprivileged-user.ts';
import {describeListing, hostileLayers} from './hostile-layers.ts';
import type {RowOutcome} from './hostile-layers-program.ts';

const PROGRAM = fileURLToPath(new URL('hostile-layers-program.ts', import.meta.url));
const NOBODY = 65_534;
const AS_NOBODY = ['setpriv', `--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--inh-caps=-all'];
const skip = missingForUser('getfattr');

describe('layers (hostile, as nobody)', ({test, before, after}) => {
  const directory = makeTemporaryDirectory();
  after(() => directory[Symbol.dispose]());
  const canary = join(directory.path, 'canary');
  const rows = hostileLayers(canary);
  const outcomes: Record<'root' | 'nobody', readonly RowOutcome[]> = {root: [], nobody: []};
  let untouched: Listing = {};

  before(() => {
    if (skip !== undefined) return;
    chmodSync(directory.path, 0o711);
    mkdirSync(canary);
    writeFileSync(join(canary, 'secret'), 'secret');
    chownSync(canary, NOBODY, NOBODY);
    untouched = listTree(canary);
    outcomes.root = readRows('root', []);
    outcomes.nobody = readRows('nobody', AS_NOBODY);
  });

  for (const [index, {id, title}] of rows.entries()) {
    test(`${id} ${title}: for nobody as for root`, () => compareRow(index), {skip});
  }

  test('nothing outside is touched', () => assert.equal(listTree(canary), untouched), {skip});

  function readRows(name: 'root' | 'nobody', within: readonly string[]): readonly RowOutcome[] {
    const place = join(directory.path, name);
    mkdirSync(place, {mode: 0o700});
    if (name === 'nobody') chownSync(place, NOBODY, NOBODY);
    const [command = '', ...words] = [...within, process.execPath, PROGRAM, place, canary];
    const {status, stdout, stderr} = spawnSync(command, words, {encoding: 'utf8', maxBuffer: 2 ** 28});
    assert.is(status, 0, stderr);
    return JSON.parse(stdout) as readonly RowOutcome[];
  }

  function compareRow(index: number): void {
    const [root, nobody] = [outcomes.root[index], outcomes.nobody[index]];
    const expected = rows[index]?.expected;
    assert.ok(root && nobody && expected);
    if ('refused' in expected) {
      assert.equal([root, nobody], [{refused: expected.refused}, {refused: expected.refused}]);
      return;
    }
    if ('refused' in root || 'refused' in nobody) throw new Error(JSON.stringify({root, nobody}));
    assert.equal([nobody.file, nobody.warnings], [root.file, root.warnings]);
    const [whole, possible] = [list('root', root.rootfs), list('nobody', nobody.rootfs)];
    assert.equal(describeListing(whole), expected.shows);
    assert.equal(possible, withoutPrivileges(whole));
    assert.equal(root.skipped, {owners: 0, devices: 0, xattrs: 0});
    assert.equal(nobody.skipped, countPrivileges(whole));
  }

  const list = (name: 'root' | 'nobody', rootfs: string): Listing => listTree(join(directory.path, name, rootfs));
});

type Listed = Listing[string];

const isDevice = ({type}: Listed): boolean => type === FILE_TYPE.character || type === FILE_TYPE.block;
const isPrivileged = (xattr: string): boolean => !xattr.startsWith('user.');

/** What is left to somebody who owns all that they write: no devices, no capabilities, and no bits of other owners. */
const withoutPrivileges = (whole: Listing): Listing =>
  Object.fromEntries(
    Object.entries(whole)
      .filter(([, file]) => !isDevice(file))
      .map(([path, file]) => [path, withoutPrivilegesOf(file)]),
  );

function withoutPrivilegesOf(file: Listed): Listed {
  const [uid, gid] = file.owner.split(':');
  const lost = (uid === '0' ? 0 : 0o4000) | (gid === '0' ? 0 : 0o2000);
  const kept = file.type === FILE_TYPE.symlink ? file.permissions : lessBits(file.permissions, lost);
  const xattrs = file.xattrs.filter((xattr) => !isPrivileged(xattr));
  return {...file, owner: `${NOBODY}:${NOBODY}`, permissions: kept, xattrs};
}

const lessBits = (permissions: string, lost: number): string => (Number.parseInt(permissions, 8) & ~lost).toString(8);

/** Names of one file count once. */
function countPrivileges(whole: Listing): {readonly owners: number; readonly devices: number; readonly xattrs: number} {
  const files = Object.values(whole);
  const kept = files.filter((file) => !isDevice(file));
  return {
    owners: kept.filter(({owner}) => owner !== '0:0').length,
    devices: files.filter(isDevice).length,
    xattrs: kept.filter(({xattrs}) => xattrs.some(isPrivileged)).length,
  };
}
