import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {missingCgroup, missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, type KeptStore, openKeptStore} from './kept-store.ts';

const PROGRAM = fileURLToPath(new URL('call-program.ts', import.meta.url));
/** Parts of the time that an undisturbed call takes. */
const MOMENTS = [0.4, 0.6, 0.8];
const MEBIBYTE = 2 ** 20;
const skip = missingFor('runc', 'busybox', 'conmon') ?? missingCgroup();

/** Who is killed in the middle of something leaves a container with which it can be done, and nothing else. */
describe('containers/kept/killed-calls', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 300_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  /** Makes a call in a process of its own, which is killed after this long. @returns milliseconds that it took */
  const callAndKill = async (afterMs: number, call: string, words: readonly unknown[]): Promise<number> => {
    const {root, runtimeDirectory} = store();
    const begun = performance.now();
    const options = JSON.stringify({root, runtimeDirectory});
    const child = spawn(process.execPath, [PROGRAM, options, call, JSON.stringify(words)], {stdio: 'inherit'});
    const ended = once(child, 'exit');
    await Promise.race([ended, sleep(afterMs, undefined, {ref: false})]);
    child.kill('SIGKILL');
    await ended;
    return performance.now() - begun;
  };

  const start = () => store().start('sleep 600', {container: {memoryBytes: 64 * MEBIBYTE}});
  const stateOf = async (id: string) => (await store().find(id)).state;
  const CALLS: readonly {
    readonly call: 'restart' | 'rename' | 'update' | 'exec' | 'commit' | 'stop' | 'remove';
    readonly words: (id: string, round: number) => readonly unknown[];
    /** What must be true when it was done again. */
    readonly check: (id: string, round: number) => unknown;
  }[] = [
    {
      call: 'restart',
      words: () => [{timeoutSeconds: 0}],
      check: async (id) => assert.is(await stateOf(id), 'running'),
    },
    {
      call: 'rename',
      words: (_, round) => [`name-${round}`],
      check: async (id, round) => assert.is((await store().find(id)).name, `name-${round}`),
    },
    {
      call: 'update',
      words: () => [{memoryBytes: 32 * MEBIBYTE}],
      check: async (id) => assert.is((await containers().inspect(id)).made?.options.memoryBytes, 32 * MEBIBYTE),
    },
    {
      call: 'exec',
      words: () => [{command: ['sleep', '601'], detach: true}],
      check: (id) => eventually(async () => (await containers().top(id)).some(({command}) => command[1] === '601')),
    },
    {
      call: 'commit',
      words: (_, round) => [{reference: `committed:${round}`}],
      check: async (id, round) => {
        const {imageId} = await store().toolkit.images.inspect(`committed:${round}`);
        await store().toolkit.images.remove([imageId], {force: true});
        assert.equal(readdirSync(join(store().root, 'ingest')), []);
        assert.not.ok((await store().find(id)).isPaused, 'it goes on');
      },
    },
    {call: 'stop', words: () => [{timeoutSeconds: 0}], check: async (id) => assert.is(await stateOf(id), 'exited')},
    {
      call: 'remove',
      words: () => [{force: true}],
      check: async (id) => assert.not.ok((await containers().list()).some((container) => container.id === id)),
    },
  ];
  for (const {call, words, check} of CALLS) {
    test(`${call} that is killed at any moment can be done again`, async () => {
      const took = await callAndKill(120_000, call, [await start(), ...words('', 0)]);
      for (const [index, part] of MOMENTS.entries()) {
        const [id, round] = [await start(), index + 1];
        await callAndKill(took * part, call, [id, ...words(id, round)]);
        const again = containers()[call] as (...rest: readonly unknown[]) => Promise<unknown>;
        const isThere = (await containers().list()).some((container) => container.id === id);
        if (isThere) await again(id, ...words(id, round));
        assert.ok(isThere || call === 'remove');
        await check(id, round);
      }
      await store().requireNoTraces();
    });
  }
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
