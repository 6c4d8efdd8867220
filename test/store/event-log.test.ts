import {appendFileSync, chmodSync, mkdirSync, readdirSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {type Happening, recordEvents} from '../../src/store/event-log.ts';
import {storePaths} from '../../src/store/paths.ts';
import {matchesEvent, type StoreEvent} from '../../src/store/store-event.ts';
import {type WatchEventsOptions, watchEventLog} from '../../src/store/watch-event-log.ts';
import {runProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const NOW = Date.parse('2026-01-31T12:00:00.123Z');
const MEBIBYTE = 2 ** 20;
const SOURCES = {now: Date.now, beforeLook: () => {}};
const PROGRAM = join(import.meta.dirname, 'event-program.ts');
const happening = (id: string, more: Partial<Happening> = {}): Happening => ({
  type: 'container',
  action: 'start',
  id,
  ...more,
});

describe('store/event-log', ({test}) => {
  const readAll = async (root: string, options: WatchEventsOptions = {}): Promise<readonly StoreEvent[]> => {
    const found: StoreEvent[] = [];
    const limits = {since: new Date(0), until: new Date(NOW + 1e9), ...options};
    const sources = {now: () => Date.parse('2200-01-01'), beforeLook: () => {}};
    for await (const event of watchEventLog(storePaths(root), limits, sources)) found.push(event);
    return found;
  };
  const idsOf = (events: readonly StoreEvent[]) => events.map(({Actor: {ID}}) => ID);

  test("has docker's fields, and times to the microsecond", async () => {
    using directory = makeTemporaryDirectory();
    const paths = storePaths(directory.path);
    recordEvents(paths, [happening('a', {attributes: {name: 'web'}, atMs: NOW + 0.456})], NOW);
    assert.equal(await readAll(directory.path), [
      {
        Type: 'container',
        Action: 'start',
        Actor: {ID: 'a', Attributes: {name: 'web'}},
        scope: 'local',
        time: 1769860800,
        timeNano: 1769860800123456000,
      },
    ]);
  });

  test('gives what has happened by time, within limits and by filters', async () => {
    using directory = makeTemporaryDirectory();
    const paths = storePaths(directory.path);
    recordEvents(paths, [happening('late', {atMs: NOW + 5}), happening('early', {atMs: NOW - 5})], NOW);
    recordEvents(paths, [happening('middle')], NOW);
    assert.equal(idsOf(await readAll(directory.path)), ['early', 'middle', 'late']);
    assert.equal(idsOf(await readAll(directory.path, {since: new Date(NOW)})), ['middle', 'late']);
    assert.equal(idsOf(await readAll(directory.path, {until: new Date(NOW)})), ['early', 'middle']);
    assert.equal(idsOf(await readAll(directory.path, {filters: {container: ['mid', 'lat']}})), ['middle', 'late']);
  });

  test('loses nothing when many write at once, and keeps no more than two files', async () => {
    using directory = makeTemporaryDirectory();
    const writers = ['a', 'b', 'c', 'd'];
    const each = 1500;
    await Promise.all(
      writers.map((name) => runProgram(process.execPath, [PROGRAM, directory.path, name, String(each)])),
    );
    const events = await readAll(directory.path, {until: new Date('2100-01-01')});
    for (const name of writers) {
      const numbers = events.filter(({Actor}) => Actor.ID === name).map(({Actor}) => Number(Actor.Attributes.number));
      assert.equal(numbers, [...Array(each).keys()], name);
    }
    await Promise.all(
      writers.map((name) => runProgram(process.execPath, [PROGRAM, directory.path, name, String(8 * each)])),
    );
    const files = readdirSync(join(directory.path, 'events'));
    const sizes = files.map((file) => statSync(join(directory.path, 'events', file)).size);
    assert.is(files.length, 2);
    assert.ok(Math.max(...sizes) < 4.5 * MEBIBYTE, String(sizes));
    assert.ok((await readAll(directory.path, {until: new Date('2100-01-01')})).length > 4 * each);
  });

  test('a line that was torn is none, and costs no other', async () => {
    using directory = makeTemporaryDirectory();
    const paths = storePaths(directory.path);
    recordEvents(paths, [happening('before')], NOW);
    const [file = ''] = readdirSync(paths.events);
    appendFileSync(join(paths.events, file), '\n{"Type":"container","Action":"st\0\0');
    assert.equal(idsOf(await readAll(directory.path)), ['before']);
    recordEvents(paths, [happening('after')], NOW);
    assert.equal(idsOf(await readAll(directory.path)), ['before', 'after']);
    appendFileSync(join(paths.events, file), '\n[]\n{"Type":1}\nnull\n');
    assert.equal(idsOf(await readAll(directory.path)), ['before', 'after']);
  });

  test('what is too long for one write is told without what makes it so', async () => {
    using directory = makeTemporaryDirectory();
    const attributes = {exitCode: '1', image: 'busybox', label: 'x'.repeat(MEBIBYTE)};
    recordEvents(storePaths(directory.path), [happening('a', {attributes})], NOW);
    const [event] = await readAll(directory.path);
    assert.equal(event?.Actor.Attributes, {exitCode: '1', image: 'busybox'});
  });

  test('nothing fails where nothing can be noted', async () => {
    using directory = makeTemporaryDirectory();
    recordEvents(storePaths(join(directory.path, 'absent', 'store')), [happening('a')], NOW);
    assert.equal(await readAll(join(directory.path, 'absent', 'store')), []);
    writeFileSync(join(directory.path, 'events'), '');
    recordEvents(storePaths(directory.path), [happening('a')], NOW);
    const closed = join(directory.path, 'closed');
    mkdirSync(join(closed, 'events'), {recursive: true});
    chmodSync(join(closed, 'events'), 0o500);
    recordEvents(storePaths(closed), [happening('a')], NOW);
  });

  test('follows what happens, through new files, until it is told to stop', async () => {
    using directory = makeTemporaryDirectory();
    const paths = storePaths(directory.path);
    recordEvents(paths, [happening('old')], Date.now());
    const stop = new AbortController();
    const events = watchEventLog(paths, {signal: stop.signal}, SOURCES);
    const next = events.next();
    recordEvents(paths, [happening('first')], Date.now());
    assert.is((await next).value?.Actor.ID, 'first');
    const last = events.next();
    writeFileSync(join(paths.events, '00000002.log'), '');
    recordEvents(paths, [happening('second')], Date.now());
    assert.is((await last).value?.Actor.ID, 'second');
    const never = events.next();
    stop.abort(new Error('enough'));
    await never.then(
      () => assert.unreachable(),
      (error: Error) => assert.is(error.message, 'enough'),
    );
  });

  test('ends at a time that was to come', async () => {
    using directory = makeTemporaryDirectory();
    const paths = storePaths(directory.path);
    const events = watchEventLog(paths, {until: new Date(Date.now() + 300)}, SOURCES);
    const first = events.next();
    recordEvents(paths, [happening('a')], Date.now());
    assert.is((await first).value?.Actor.ID, 'a');
    assert.is((await events.next()).done, true);
  });
});

describe('store/store-event', ({test}) => {
  const event: StoreEvent = {
    Type: 'container',
    Action: 'exec_start: ls -l',
    Actor: {ID: 'abcdef', Attributes: {image: 'localhost:5000/busybox:1', name: 'web', tier: 'front'}},
    scope: 'local',
    time: 1,
    timeNano: 1e9,
  };
  const image: StoreEvent = {
    ...event,
    Type: 'image',
    Action: 'pull',
    Actor: {ID: 'alpine:3', Attributes: {name: 'alpine'}},
  };

  test("goes by docker's filters", () => {
    for (const [filters, expected] of [
      [{}, [true, true]],
      [{type: ['image']}, [false, true]],
      [{type: ['image', 'container']}, [true, true]],
      [{event: ['exec_start']}, [true, false]],
      [{event: ['exec_start: ls -l', 'pull']}, [true, true]],
      [{event: ['exec']}, [false, false]],
      [{container: ['abc']}, [true, false]],
      [{container: ['we']}, [true, false]],
      [{container: ['eb']}, [false, false]],
      [{image: ['localhost:5000/busybox']}, [true, false]],
      [{image: ['localhost:5000/busybox:1', 'alpine']}, [true, true]],
      [{image: ['alpine:3']}, [false, true]],
      [{image: ['localhost']}, [false, false]],
      [{label: ['tier']}, [true, false]],
      [{label: ['tier=front', 'name=web']}, [true, false]],
      [{label: ['tier=back']}, [false, false]],
      [{volume: ['abc']}, [false, false]],
      [{network: ['abc'], type: ['container']}, [false, false]],
    ] as const) {
      assert.equal(
        [event, image].map((one) => matchesEvent(one, filters)),
        [...expected],
        JSON.stringify(filters),
      );
    }
  });
});
