import * as assert from 'uvu/assert';
import {missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {openKeptStore} from './kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');

describe('containers/kept/names', ({test}) => {
  test(
    'whoever is given no name gets one that nobody else has',
    async () => {
      await using store = await openKeptStore();
      const {containers} = store.toolkit;
      const ids = await Promise.all(Array.from({length: 12}, () => store.create('true')));
      const listed = await containers.list();
      const names = listed.map(({name}) => name ?? '');
      assert.is(new Set(names).size, ids.length);
      for (const name of names) assert.match(name, /^[a-z]+_[a-z]+\d*$/);
      const [{id = '', name} = {name: ''}] = listed;
      assert.is((await containers.inspect(name ?? '')).id, id);
      await store.requireNoTraces();
    },
    {skip, timeoutMs: 240_000},
  );
});
