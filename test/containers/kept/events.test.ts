import {existsSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import type {StoreEvent} from '../../../src/store/store-event.ts';
import type {WatchEventsOptions} from '../../../src/store/watch-event-log.ts';
import {missingEntry, missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, IMAGE, type KeptStore, openKeptStore} from './kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');
const WAIT_FOR_TERM = "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done";

describe('containers/kept/events', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown, lacking?: string) =>
    declare(title, body, {skip: skip ?? lacking, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const waitForLine = async (id: string) => {
    for await (const {bytes} of containers().logs(id, {follow: true})) if (bytes.includes('up\n')) return;
    throw new Error(`${id} has ended`);
  };
  const readPast = async (filters: WatchEventsOptions['filters'] = {}): Promise<readonly StoreEvent[]> => {
    const found: StoreEvent[] = [];
    const options = {since: new Date(0), until: new Date(), filters};
    for await (const event of store().toolkit.events(options)) found.push(event);
    return found;
  };
  const actionsOf = async (id: string) => (await readPast({container: [id]})).map(({Action}) => Action);

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test(
    'tells all that is done to a container, with its name, image and labels',
    async () => {
      const id = await store().start(WAIT_FOR_TERM, {
        name: 'one',
        container: {labels: {tier: 'front', image: 'not this'}},
      });
      await waitForLine(id);
      await containers().exec(id, {command: ['sh', '-c', 'exit 4']});
      await containers().pause(id);
      await containers().unpause(id);
      await containers().rename(id, 'other');
      await containers().kill(id, 'USR2');
      await containers().stop(id);
      await containers().restart(id);
      await containers().remove(id, {force: true});
      assert.equal(await actionsOf(id), [
        ...['create', 'start', 'exec_create: sh -c exit 4', 'exec_start: sh -c exit 4', 'exec_die', 'pause', 'unpause'],
        ...['rename', 'kill', 'kill', 'die', 'stop', 'start', 'restart', 'die', 'destroy'],
      ]);
      const events = await readPast({container: [id], label: ['tier=front']});
      const detailsOf = (action: string) => events.find(({Action}) => Action === action)?.Actor.Attributes;
      assert.equal(detailsOf('create'), {image: IMAGE, name: 'one', tier: 'front'});
      assert.equal(detailsOf('rename')?.oldName, '/one');
      assert.equal([detailsOf('rename')?.name, detailsOf('exec_die')?.exitCode], ['other', '4']);
      assert.is(detailsOf('die')?.exitCode, '9');
      assert.equal(
        events.filter(({Action}) => Action === 'kill').map(({Actor}) => Actor.Attributes.signal),
        ['12', '15'],
      );
      await store().requireNoTraces();
    },
    missingEntry(),
  );

  test('tells of an end that no command has seen, at once to those who follow and with its time to others', async () => {
    const stop = new AbortController();
    const events = store().toolkit.events({filters: {event: ['die']}, signal: stop.signal});
    const told = events.next();
    const id = await store().start('exit 3');
    const {value} = await told;
    assert.equal([value?.Actor.ID, value?.Actor.Attributes.exitCode], [id, '3']);
    await events.return();
    const {finishedAt} = await store().find(id);
    assert.is(value?.timeNano, Date.parse(finishedAt ?? '') * 1e6);
    assert.equal(await actionsOf(id), ['create', 'start', 'die']);
    const unseen = await store().start('exit 0', {name: 'unseen'});
    await eventually(() => existsSync(join(store().root, 'kept', unseen, 'start.json')));
    await containers().wait(unseen);
    await containers().start(unseen);
    await containers().wait(unseen);
    assert.equal(await actionsOf('unseen'), ['create', 'start', 'die', 'start', 'die']);
    await store().requireNoTraces();
  });

  test('tells once of an end, however many look', async () => {
    const id = await store().start('exit 0');
    await containers().wait(id);
    const all = await Promise.all([readPast(), readPast(), store().toolkit.containers.list(), readPast()]);
    assert.is(all.length, 4);
    assert.equal(await actionsOf(id), ['create', 'start', 'die']);
    await store().requireNoTraces();
  });

  test('one that goes when it ends has died before it is destroyed', async () => {
    const id = await store().start('exit 5', {autoRemove: true});
    await eventually(() => !existsSync(join(store().root, 'kept', id)));
    assert.equal(await actionsOf(id), ['create', 'start', 'die', 'destroy']);
    await store().requireNoTraces();
  });

  test('what nobody saw the end of has died with 255', async () => {
    const id = await store().start('sleep 600');
    const {process: first, supervisor} = store().readStart(id);
    process.kill(supervisor.pid, 'SIGKILL');
    process.kill(first.pid, 'SIGKILL');
    await eventually(async () => (await store().find(id)).state === 'exited');
    const [died] = await readPast({container: [id], event: ['die']});
    assert.is(died?.Actor.Attributes.exitCode, '255');
    await store().requireNoTraces();
  });

  test('a run in the foreground is told as well', async () => {
    const request = {image: IMAGE, policy: 'never', name: 'front'} as const;
    await using run = await containers().spawn({...request, container: {command: ['sh', '-c', 'exit 7']}});
    const {id, exitCode} = await run.finished;
    assert.is(exitCode, 7);
    assert.equal(await actionsOf(id), ['create', 'start', 'die', 'destroy']);
    const [died] = await readPast({container: ['front'], event: ['die'], image: [IMAGE]});
    assert.is(died?.Actor.Attributes.exitCode, '7');
  });

  test('a run whose winch was killed has died with 255, once somebody has cleared it', async () => {
    const command = ['sh', '-c', 'echo up; exec sleep 600'];
    const run = await containers().spawn({image: IMAGE, policy: 'never', name: 'lost', container: {command}});
    await run.waitForLine('up');
    const id = await run.started;
    // What is killed before its beginning was told has no end to be told either.
    await eventually(async () => (await actionsOf(id)).includes('start'));
    run.kill('SIGKILL');
    await run.finished.catch(() => {});
    await eventually(async () => (await containers().list()).every((other) => other.id !== id));
    await containers().list();
    assert.equal(await actionsOf(id), ['create', 'start', 'die', 'destroy']);
    const [died] = await readPast({container: ['lost'], event: ['die']});
    assert.is(died?.Actor.Attributes.exitCode, '255');
    await store().requireNoTraces();
  });

  test('images and volumes are told as well', async () => {
    const {images, volumes} = store().toolkit;
    const {imageId} = await images.inspect(IMAGE);
    await images.tag(IMAGE, 'more:1');
    await images.untag(['more:1']);
    await volumes.create({name: 'data'});
    const mounts = [{type: 'volume', source: 'data', target: '/data'}] as const;
    const id = await store().start('true', {container: {mounts}});
    await containers().wait(id);
    await containers().remove(id);
    await volumes.remove('data');
    const told = await readPast({type: ['image', 'volume']});
    const tags = told.filter(
      ({Actor}) => Actor.Attributes.name === 'docker.io/library/more:1' || Actor.Attributes.name === 'more:1',
    );
    assert.equal(
      tags.map(({Action, Actor}) => [Action, Actor.ID]),
      [
        ['tag', imageId],
        ['untag', imageId],
      ],
    );
    const ofVolume = told.filter(({Type}) => Type === 'volume');
    assert.equal(
      ofVolume.map(({Action, Actor: {ID, Attributes}}) => [Action, ID, Attributes.container ?? '']),
      [
        ['create', 'data', ''],
        ['mount', 'data', id],
        ['unmount', 'data', id],
        ['destroy', 'data', ''],
      ],
    );
    assert.ok(told.some(({Action, Actor}) => Action === 'pull' && Actor.ID.endsWith('/busybox:latest')));
    await store().requireNoTraces();
  });

  function fail(): never {
    throw new Error('no store');
  }
});
