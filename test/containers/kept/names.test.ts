import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {rejectionOf} from '../../helpers/rejection-of.ts';
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
    'by its whole id a container is found whatever has become of others',
    async () => {
      await using store = await openKeptStore();
      const {containers} = store.toolkit;
      const [id, other] = [await store.start('exit 3'), await store.create('true')];
      const record = join(store.root, 'kept', other, 'container.json');
      const text = readFileSync(record);
      writeFileSync(record, '{');
      assert.is((await containers.inspect(id)).id, id);
      assert.is(await containers.wait(id), 3);
      assert.is(await containers.start(id), id);
      await containers.stop(id);
      assert.is((await rejectionOf(containers.inspect(id.slice(0, 10)))).code, 'STORE_CORRUPT');
      assert.is(await containers.remove(id), id);
      assert.is((await rejectionOf(containers.inspect('f'.repeat(64)))).code, 'STORE_CORRUPT');
      writeFileSync(record, text);
      assert.is((await rejectionOf(containers.inspect(id))).code, 'CONTAINER_UNKNOWN');
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
