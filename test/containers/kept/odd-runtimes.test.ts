import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {processes} from '../../helpers/container-traces.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingCgroup, missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {eventually, type KeptStore, openKeptStore} from './kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');
/** Runs with the words of the runtime's command line as `$*`. */
const WRAPPER = (script: string) => `#!/bin/sh\n${script}\nexec runc "$@"\n`;

/** Runtimes that do not do what they should. */
describe('containers/kept/odd-runtimes', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown, lacking?: string) =>
    declare(title, body, {skip: skip ?? lacking, timeoutMs: 120_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const createWith = async (script: string, name = `runtime-${script.length}`): Promise<string> => {
    const directory = join(store().root, '..', 'runtimes');
    mkdirSync(directory, {recursive: true});
    const runtime = join(directory, name);
    writeFileSync(runtime, WRAPPER(script), {mode: 0o755});
    return await store().create('echo up; sleep 600', {runtime});
  };

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('U13 one that never makes the container is not waited for by who gives up, and ends', async () => {
    const id = await createWith('case "$*" in *" create "*) exec sleep 1000 ;; esac');
    const giving = new AbortController();
    const started = rejectionOf(containers().start(id, {signal: giving.signal}));
    await eventually(() => processes().some(({words}) => words.includes(id)));
    giving.abort(new Error('enough'));
    assert.is((await started).message, 'enough');
    assert.is((await store().find(id)).state, 'created');
    await store().requireNoTraces();
  });

  test('U13 one that dies before it starts the command leaves a container that was never started', async () => {
    const id = await createWith('case "$*" in *" start "*) kill -9 $$ ;; esac');
    assert.is((await rejectionOf(containers().start(id))).code, 'RUNTIME_FAILED');
    assert.is((await store().find(id)).state, 'created');
    await store().requireNoTraces();
  });

  test('U13 one that fails without a word is named', async () => {
    const id = await createWith('case "$*" in *" create "*) exit 7 ;; esac');
    const {code, message} = await rejectionOf(containers().start(id));
    assert.is(code, 'RUNTIME_FAILED');
    assert.match(message, 'runtime-');
    await store().requireNoTraces();
  });

  test(
    'runc itself is not asked to remove what has ended, and others are',
    async () => {
      const log = join(store().root, '..', 'calls');
      for (const [name, deletes] of [
        ['runc', 0],
        ['runtime', 1],
      ] as const) {
        writeFileSync(log, '');
        const id = await createWith(`echo "$@" >> ${log}`, name);
        await containers().start(id);
        await containers().remove(id, {force: true});
        const calls = readFileSync(log, 'utf8').split('\n').filter(Boolean);
        assert.is(calls.filter((words) => / delete /.test(words)).length, deletes, calls.join('; '));
        await store().requireNoTraces();
      }
    },
    missingCgroup(),
  );

  test(
    'one that freezes a container only when it is asked again is asked again, and not for ever',
    async () => {
      const mark = join(store().root, '..', 'asked');
      const refusal = `echo asked >> ${mark}; echo 'level=error msg="unable to freeze"' >&2; exit 1`;
      const id = await createWith(
        `case "$*" in *" pause "*) [ "$(wc -l < ${mark})" -ge 2 ] || { ${refusal}; } ;; esac`,
      );
      writeFileSync(mark, '');
      await containers().start(id);
      await containers().pause(id);
      assert.is((await store().find(id)).isPaused, true);
      await containers().unpause(id);
      const never = await createWith(`case "$*" in *" pause "*) ${refusal} ;; esac`);
      await containers().start(never);
      const {code, message} = await rejectionOf(containers().pause(never));
      assert.is(code, 'RUNTIME_FAILED');
      assert.match(message, 'unable to freeze');
      await store().requireNoTraces();
    },
    missingCgroup(),
  );
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
