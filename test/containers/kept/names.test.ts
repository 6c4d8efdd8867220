import * as assert from 'uvu/assert';
import {missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {IMAGE, openKeptStore} from './kept-store.ts';

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

  test(
    'a run in the foreground has a name as well, by which it is found and told of',
    async () => {
      await using store = await openKeptStore();
      const {containers, events} = store.toolkit;
      const container = {command: ['sh', '-c', 'echo up; exec sleep 600']};
      const run = await containers.spawn({image: IMAGE, policy: 'never', container});
      await run.waitForLine('up');
      const [{id = '', name} = {name: null}] = await containers.list();
      assert.match(name ?? '', /^[a-z]+_[a-z]+\d+$/);
      assert.is((await containers.inspect(name ?? '')).name, name);
      await containers.stop(name ?? '', {timeoutSeconds: 0});
      assert.is((await run.finished).exitCode, 137);
      const told: string[] = [];
      const options = {since: new Date(0), until: new Date(), filters: {container: [id]}};
      for await (const {Action, Actor} of events(options)) told.push(`${Action} ${Actor.Attributes.name}`);
      for (const action of ['create', 'start', 'stop', 'die', 'destroy']) assert.ok(told.includes(`${action} ${name}`));
      assert.equal(await containers.list(), []);
    },
    {skip, timeoutMs: 240_000},
  );
});
