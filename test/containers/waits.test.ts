import {existsSync, mkdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {eventually, IMAGE, type KeptStore, openKeptStore} from './kept/kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');
const SERVER = 'echo one; echo denied >&2; echo "ready: now"; echo more; nc -l -p 8080; exit 4';
const ENDING = 'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done';

describe('containers waits', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const spawn = (script: string) =>
    containers().spawn({image: IMAGE, policy: 'never', container: {command: ['sh', '-c', script]}});
  const codeOf = async (work: Promise<unknown>) => (await rejectionOf(work)).code;

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('a run in a process of its own is waited for by its lines and ports, and loses none of its output', async () => {
    await using run = await spawn(SERVER);
    assert.is(await run.waitForLine(/^ready: \w+$/), 'ready: now');
    await run.waitForPort(8080);
    assert.equal(
      (await containers().list()).map(({id}) => id),
      [await run.started],
    );
    const rest = text(run.stdout);
    run.kill('SIGKILL');
    await run.finished.catch(() => {});
    assert.is(await rest, 'more\n');
  });

  test('says so when it ends before that, or cannot even begin', async () => {
    await using ended = await spawn('echo one; exit 3');
    assert.is(await codeOf(ended.waitForLine('two')), 'LINE_MISSING');
    assert.is(await codeOf(ended.waitForPort(80)), 'CONTAINER_UNKNOWN');
    assert.is((await ended.finished).exitCode, 3);
    await using never = await containers().spawn({image: IMAGE, policy: 'never', container: {command: ['/none']}});
    assert.is(await codeOf(never.waitForLine('x')), 'COMMAND_NOT_FOUND');
    assert.is(await codeOf(never.waitForPort(80)), 'COMMAND_NOT_FOUND');
  });

  test('a run that fails while its container lives says so before it is cleared', async () => {
    const types: string[] = [];
    const request = {image: IMAGE, policy: 'never', container: {command: ['sh', '-c', ENDING]}} as const;
    await using run = await containers().spawn(request, {onEvent: ({type}) => void types.push(type)});
    const begun = join(store().runtimeDirectory, 'containers', await run.started, 'begun.json');
    await run.waitForLine('up');
    await eventually(() => existsSync(begun));
    // What cannot be removed at its end.
    rmSync(begun);
    mkdirSync(begun);
    run.kill('SIGTERM');
    await rejectionOf(run.finished);
    assert.equal(types, ['container:started', 'container:abandoned']);
    assert.equal(await containers().list(), []);
  });

  test('an abort ends the waiting and nothing else', async () => {
    await using run = await spawn('echo up; exec sleep 600');
    await run.waitForLine('up');
    for (const wait of [
      (signal: AbortSignal) => run.waitForLine('never', {signal}),
      (signal: AbortSignal) => run.waitForPort(1, {signal}),
    ]) {
      const stop = new AbortController();
      const waiting = wait(stop.signal);
      stop.abort(new Error('enough'));
      await waiting.then(
        () => assert.unreachable(),
        (error: Error) => assert.is(error.message, 'enough'),
      );
    }
    assert.is((await containers().list()).length, 1);
  });

  test('containers in the background are waited for as well, by what they print since they were started', async () => {
    const id = await store().start(`test -e /again || exit 5; ${SERVER}`);
    assert.is(await codeOf(containers().waitForLine(id, 'ready')), 'LINE_MISSING');
    await containers().remove(id);
    const server = await store().start(SERVER);
    assert.is(await containers().waitForLine(server, 'ready'), 'ready: now');
    assert.is(await containers().waitForLine(server, /^d/), 'denied');
    await containers().waitForPort(server, 8080);
    assert.is(
      await codeOf(containers().waitForPort(server, 8080, {protocol: 'udp', signal: AbortSignal.timeout(100)})),
      23,
    );
    await containers().stop(server, {timeoutSeconds: 0});
    assert.is(await codeOf(containers().waitForPort(server, 8080)), 'CONTAINER_STOPPED');
    await store().requireNoTraces();
  });

  function fail(): never {
    throw new Error('no store');
  }
});
