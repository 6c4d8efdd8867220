import {mkdtempSync, rmSync, symlinkSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {resolveBlockIo} from '../../src/bundle/block-io.ts';
import type {BlockIoLimit} from '../../src/bundle/limit-options.ts';
import {codeOf} from '../helpers/code-of.ts';
import {findDisk} from '../helpers/find-disk.ts';
import {describe} from '../helpers/suite.ts';

const KINDS = ['weight', 'read-bps', 'write-bps', 'read-iops', 'write-iops'] as const;

describe('bundle/block-io', ({test}) => {
  const disk = findDisk();
  const skip = disk === null ? 'this machine shows no disk' : undefined;
  const {path, numbers} = disk ?? {path: '', numbers: ''};
  const [major, minor] = numbers.split(':').map(Number);
  const codeFor = (kind: BlockIoLimit['kind'], amount: number, at = path) =>
    codeOf(() => resolveBlockIo({blkioLimits: [{path: at, kind, amount}]}));

  test('says nothing when nothing is limited', () => {
    assert.is(resolveBlockIo({}), undefined);
    assert.is(resolveBlockIo({blkioLimits: []}), undefined);
  });

  test('weighs a container against others', () => {
    assert.equal(resolveBlockIo({blkioWeight: 10}), {weight: 10});
    for (const blkioWeight of [0, 9, 1001, 10.5, Number.NaN]) {
      assert.is(
        codeOf(() => resolveBlockIo({blkioWeight})),
        'RESOURCE_INVALID',
        String(blkioWeight),
      );
    }
  });

  test(
    'looks up the numbers of disks, behind symlinks as well',
    () => {
      const directory = mkdtempSync(join(tmpdir(), 'winch-disk-'));
      try {
        symlinkSync(path, join(directory, 'disk'));
        const blkioLimits = KINDS.map((kind, index) => ({path: join(directory, 'disk'), kind, amount: 20 + index}));
        assert.equal(resolveBlockIo({blkioLimits}), {
          weightDevice: [{major, minor, weight: 20}],
          throttleReadBpsDevice: [{major, minor, rate: 21}],
          throttleWriteBpsDevice: [{major, minor, rate: 22}],
          throttleReadIOPSDevice: [{major, minor, rate: 23}],
          throttleWriteIOPSDevice: [{major, minor, rate: 24}],
        });
      } finally {
        rmSync(directory, {recursive: true});
      }
    },
    {skip},
  );

  test(
    'refuses amounts that the kernel would not take, or take for others',
    () => {
      for (const kind of KINDS) assert.is(codeFor(kind, 0), 'RESOURCE_INVALID', kind);
      assert.is(codeFor('weight', 1001), 'RESOURCE_INVALID');
      assert.is(codeFor('read-iops', 2 ** 32), 'RESOURCE_INVALID');
      assert.is(codeFor('read-iops', 2 ** 32 - 1), null);
      assert.is(codeFor('write-bps', 2 ** 53), 'RESOURCE_INVALID');
      assert.is(codeFor('write-bps', 2 ** 53 - 1), null);
    },
    {skip},
  );

  test('refuses what is no disk', () => {
    for (const at of ['/nowhere', '/dev/null', '/dev', '/etc/passwd', '']) {
      assert.is(codeFor('read-bps', 1, at), 'DEVICE_INVALID', at);
    }
  });
});
