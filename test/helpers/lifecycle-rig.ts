import * as assert from 'node:assert/strict';
import {existsSync, statSync} from 'node:fs';
import {basename, join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {hasErrno} from '../../src/errors.ts';
import {namesIn, processes, tracesOf} from './container-traces.ts';
import {waitFor} from './wait-for.ts';
import {makeWinch, type WinchExit} from './winch.ts';
import {WRITTEN} from './written-directory.ts';

const SERVERS = process.env.WINCH_SNAPSHOTTER === 'fuse-overlayfs' ? (['fuse-overlayfs'] as const) : [];
export const VICTIMS = [...(['winch', 'conmon', 'runc'] as const), ...SERVERS];
export const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGKILL'] as const;

export interface Blow {
  readonly victim: (typeof VICTIMS)[number];
  readonly signal: (typeof SIGNALS)[number];
  /** From the beginning of the sequence on. */
  readonly afterMs: number;
}

/** Strikes at containers between their creation and their end, and looks at what is left. */
export interface LifecycleRig extends AsyncDisposable {
  /** Milliseconds of one whole sequence without a blow. */
  time(): Promise<number>;
  /**
   * `create`, `start`, `exec`, `stop`, each a command of its own; one process of them is struck. Then the next command is to
   * tell what there is, a removal is to leave nothing, and a container beside all that is to have gone on.
   *
   * @returns whether the blow has hit a living process.
   */
  strike(blow: Blow): Promise<boolean>;
}

const POLL_MS = 2;
const SCRIPT = "trap 'exit 0' TERM; echo up; while :; do sleep 0.05; done";
const BYSTANDER = 'while :; do echo tick >> /ticks; sleep 0.05; done';
const STATES = ['created', 'running', 'exited'];

export async function openLifecycleRig(): Promise<LifecycleRig> {
  const winch = makeWinch();
  await using registry = await startRegistry();
  registry.put('busybox', '1', busyboxImage());
  const image = `${registry.host}/busybox:1`;
  const succeed = async (...words: readonly string[]): Promise<string> => {
    const {exitCode, stdout, stderr} = await winch.run(words);
    assert.equal(exitCode, 0, `${words.join(' ')}: ${stderr}`);
    return stdout.trim();
  };
  await succeed('pull', '-q', image);
  const bystander = await succeed('run', '-d', '--name', 'bystander', image, 'sh', '-c', BYSTANDER);
  const ticks = () =>
    statSync(join(winch.root, 'kept', bystander, 'writable', WRITTEN, 'ticks'), {throwIfNoEntry: false})?.size ?? 0;
  const otherIds = () =>
    namesIn(join(winch.root, 'kept'))
      .map((name) => name.replace(/^\.\w+-/, ''))
      .filter((name) => /^[0-9a-f]{64}$/.test(name) && name !== bystander);
  let count = 0;

  const runSequence = async (onStart: (pid: number | undefined) => void): Promise<string> => {
    const name = `box${count++}`;
    const sequence = [
      ['create', '--name', name, '--network', 'none', image, 'sh', '-c', SCRIPT],
      ['start', name],
      ['exec', name, 'sh', '-c', 'sleep 0.1'],
      ['stop', '-t', '2', name],
    ];
    for (const words of sequence) {
      const command = winch.start(words);
      onStart(command.child.pid);
      await command.exited;
    }
    return name;
  };
  const requireOrder = async (name: string, ids: readonly string[]) => {
    const before = ticks();
    const shown = JSON.parse(await succeed('ps', '-a', '--format', 'json')) as {
      id: string;
      name: string;
      state: string;
    }[];
    assert.equal(shown.find(({id}) => id === bystander)?.state, 'running', 'the container beside is not seen to run');
    for (const {state} of shown) assert.ok(STATES.includes(state), state);
    await waitFor(() => ticks() > before);
    const removal: WinchExit = await winch.run(['rm', '-f', name]);
    const isKnown = shown.some((container) => container.name === name);
    if (isKnown) assert.equal(removal.exitCode, 0, removal.stderr);
    else assert.match(removal.stderr, /CONTAINER_UNKNOWN/);
    const find = () => tracesOf(ids, winch);
    await waitFor(() => find().length === 0).catch(() => assert.deepEqual(find(), []));
  };

  return {
    time: async () => {
      const begun = performance.now();
      const name = await runSequence(() => {});
      const took = performance.now() - begun;
      await succeed('rm', '-f', name);
      return took;
    },
    strike: async ({victim, signal, afterMs}) => {
      const ids = new Set<string>();
      let [current, isOver, isHit]: [number | undefined, boolean, boolean] = [undefined, false, false];
      const find = () => (victim === 'winch' ? current : findServant(victim, [...ids]));
      const attack = async () => {
        await sleep(afterMs);
        while (!isOver && !isHit) {
          for (const id of otherIds()) ids.add(id);
          isHit = send(find(), signal);
          if (!isHit) await sleep(POLL_MS);
        }
      };
      const attacking = attack();
      const name = await runSequence((pid) => {
        current = pid;
      });
      isOver = true;
      await attacking;
      for (const id of otherIds()) ids.add(id);
      await requireOrder(name, [...ids]);
      return isHit;
    },
    [Symbol.asyncDispose]: async () => {
      await succeed('rm', '-f', bystander);
      assert.deepEqual(tracesOf([bystander], winch), []);
      assert.equal(existsSync(join(winch.root, 'kept', bystander)), false);
      winch[Symbol.dispose]();
    },
  };
}

/** The runtime's own processes carry its name; conmon's command line has that as well. */
const findServant = (victim: Exclude<Blow['victim'], 'winch'>, ids: readonly string[]): number | undefined =>
  processes().find(
    ({words}) => basename(words[0] ?? '') === victim && words.some((word) => ids.some((id) => word.includes(id))),
  )?.pid;

function send(pid: number | undefined, signal: NodeJS.Signals): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (hasErrno(error, 'ESRCH')) return false;
    throw error;
  }
}
