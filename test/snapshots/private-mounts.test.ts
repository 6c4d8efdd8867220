import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {tryPrivateMounts} from '../../src/snapshots/private-mounts.ts';
import {probeErofs} from '../../src/snapshots/probe-erofs.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {mountSkip as skip} from '../layers/mounted-tree.ts';

describe('snapshots/private-mounts', ({test: declare}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});
  const mountTable = () => readFileSync('/proc/self/mountinfo', 'utf8');

  test('failures come back with their code', async () => {
    using directory = makeTemporaryDirectory();
    const before = mountTable();
    const erofs = {type: 'erofs', source: '/absent', target: directory.path} as const;
    const scratch = {type: 'tmpfs', target: directory.path, options: 'mode=700'} as const;
    const error = await rejectionOf(tryPrivateMounts({mounts: [scratch, erofs]}));
    assert.equal([error.name, error.code], ['WinchError', 'STORE_CORRUPT']);
    await tryPrivateMounts({mounts: [scratch]});
    assert.is(mountTable(), before);
  });

  test('probes without leaving a trace', async () => {
    using directory = makeTemporaryDirectory();
    const before = mountTable();
    const runtimeDirectory = join(directory.path, 'run');
    assert.equal(await probeErofs(runtimeDirectory), {name: 'erofs', usable: true, reason: null});
    assert.equal(readdirSync(runtimeDirectory), []);
    assert.is(mountTable(), before);
  });
});
