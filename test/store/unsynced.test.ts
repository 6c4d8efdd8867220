import {existsSync} from 'node:fs';
import * as assert from 'uvu/assert';
import {openStore} from '../../src/store/store.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

describe('store/unsynced', ({test}) => {
  test('remembers that content may not have reached the disk until a durable collection', async () => {
    using directory = makeTemporaryDirectory();
    const [fast, full] = (['fast', 'full'] as const).map((durability) => openStore({root: directory.path, durability}));
    if (!fast || !full) throw new Error('two stores were opened');
    const isNoted = () => existsSync(full.paths.unsynced);
    (await full.lease()).release();
    assert.not(isNoted());
    const lease = await fast.lease();
    assert.ok(isNoted());
    await full.write(() => {});
    assert.ok(isNoted(), 'more may be on its way');
    await full.collectGarbage();
    assert.ok(isNoted(), 'a lease is held');
    lease.release();
    await fast.collectGarbage();
    assert.ok(isNoted(), 'nothing was synced');
    await full.collectGarbage();
    assert.not(isNoted());
    for (const store of [fast, full]) store.close();
  });
});
