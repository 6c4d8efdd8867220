import {existsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {identifyProcess} from '../../../src/host/process-identity.ts';
import {missingCgroup, missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {type KeptStore, openKeptStore} from './kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');

describe('containers/kept/passing-pause', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown, lacking?: string) =>
    declare(title, body, {skip: skip ?? lacking, timeoutMs: 120_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test(
    'a container that was paused by one who is dead goes on, and one whom somebody has paused does not',
    async () => {
      const {containers} = store().toolkit;
      const id = await store().start('sleep 600');
      const note = join(store().runtimeDirectory, 'kept', id, 'pause.json');
      const isPaused = async () => (await store().find(id)).isPaused;
      await containers.pause(id);
      assert.ok(await isPaused(), 'by a user');
      writeFileSync(note, JSON.stringify(identifyProcess(process.pid)));
      assert.ok(await isPaused(), 'by one who lives');
      writeFileSync(note, JSON.stringify({pid: process.pid, startTicks: 1}));
      assert.not.ok(await isPaused(), 'by one who is dead');
      assert.not.ok(existsSync(note));
      await containers.pause(id);
      assert.ok(await isPaused());
      await containers.remove(id, {force: true});
      await store().requireNoTraces();
    },
    missingCgroup(),
  );
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
