import * as assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {RegistryServer} from '../../fixtures/registry-server.ts';
import {type LoopDisk, openLoopDisk} from './loop-disk.ts';
import {requireProgram} from './run-program.ts';
import {makeWinch, type Winch, type WinchExit} from './winch.ts';

/** Commands under which the power goes. */
export const CUT_COMMANDS = ['pull', 'load', 'rmi', 'prune'] as const;
export type CutCommand = (typeof CUT_COMMANDS)[number];

export interface PowerCutRig extends AsyncDisposable {
  readonly winch: Winch;
  readonly disk: LoopDisk;
  /** Runs a command undisturbed. @returns milliseconds */
  time(command?: CutCommand): Promise<number>;
  /**
   * Cuts the power during a command in a store that holds another image, or right after it when `afterMs` is null.
   *
   * Asserts that the store is sound and holds what it held before or what the command leaves, that the latter is so when
   * the command had succeeded, and that the command succeeds when it is repeated.
   *
   * @returns whether the command had succeeded.
   */
  cut(afterMs: number | null, command?: CutCommand): Promise<boolean>;
}

export interface PowerCutOptions {
  readonly registry: RegistryServer;
  /** Stored before, and pulled. */
  readonly references: readonly [string, string];
  /** Whether the image before is stored without syncs, so that it may be lost. */
  readonly isFirstFast?: boolean;
}

const CHECKER = join(import.meta.dirname, 'store-problems.ts');
const DISK_MEBIBYTES = 192;
const LOADED = 'loaded:1';
const UNNAMED = '<none>:<none>';

interface Work {
  readonly words: readonly string[];
  readonly setUp: readonly (readonly string[])[];
  /** The names of images that the store holds then. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export async function openPowerCutRig({
  registry,
  references,
  isFirstFast = false,
}: PowerCutOptions): Promise<PowerCutRig> {
  const winch = makeWinch();
  const disk = await openLoopDisk(winch.directory, DISK_MEBIBYTES);
  const root = join(disk.path, 'store');
  const call = {within: disk.within, env: {WINCH_ROOT: root}};
  const [old = '', wanted = ''] = references.map((name) => `${registry.host}/${name}`);
  const archive = join(winch.directory, 'archive.tar');
  requireSuccess(await winch.run(['copy', wanted, `docker-archive:${archive}:${LOADED}`]), 'the archive');
  const works: Readonly<Record<CutCommand, Work>> = {
    pull: {words: ['pull', wanted], setUp: [], before: [old], after: [old, wanted]},
    load: {words: ['load', '--input', archive], setUp: [], before: [old], after: [old, LOADED]},
    rmi: {words: ['rmi', wanted], setUp: [['pull', wanted]], before: [old, wanted], after: [old]},
    prune: {
      words: ['prune'],
      setUp: [
        ['pull', wanted],
        ['untag', wanted],
      ],
      before: [UNNAMED, old],
      after: [old],
    },
  };
  const run = async (words: readonly string[]) => requireSuccess(await winch.run(words, call), words.join(' '));
  const list = async () => {
    const {stdout} = await run(['images', '--format', '{{.Repository}}:{{.Tag}}']);
    return stdout.split('\n').filter(Boolean).toSorted();
  };
  const requireSound = async () => {
    const [program = '', ...rest] = [...disk.within, process.execPath, CHECKER, root];
    assert.equal(await requireProgram(program, rest), '');
  };
  const startOver = async (command: CutCommand) => {
    await rm(join(disk.outside, 'store'), {recursive: true, force: true});
    await run(['pull', ...(isFirstFast ? ['--durability', 'fast'] : []), old]);
    for (const words of works[command].setUp) await run(words);
  };
  const repeat = async (command: CutCommand) => {
    const exit = await winch.run(works[command].words, call);
    if (command !== 'rmi' || !/IMAGE_UNKNOWN: /.test(exit.stderr)) requireSuccess(exit, `${command} again`);
  };
  return {
    winch,
    disk,
    time: async (command = 'pull') => {
      await startOver(command);
      const start = performance.now();
      await run(works[command].words);
      return performance.now() - start;
    },
    cut: async (afterMs, command = 'pull') => {
      const {words, before, after} = works[command];
      await startOver(command);
      const running = winch.start(words, call);
      await Promise.race([afterMs === null ? running.exited : sleep(afterMs), running.exited]);
      const isDone = running.child.exitCode === 0;
      disk.cutPower();
      running.child.kill('SIGKILL');
      await running.exited;
      await disk.restart();
      assert.ok(existsSync(join(disk.outside, 'store/winch.db')), 'the database is gone');
      const possible = (isDone ? [after] : [before, after]).map((names) => names.toSorted().join(' '));
      // What was stored without syncs may be gone, of which the next pull knows.
      const found = (await list()).filter((name) => !isFirstFast || name !== old);
      const expected = isFirstFast ? possible.map((names) => names.replace(`${old} `, '')) : possible;
      assert.ok(expected.includes(found.join(' ')), `${command} has left ${found}`);
      await requireSound();
      await repeat(command);
      await requireSound();
      return isDone;
    },
    [Symbol.asyncDispose]: async () => {
      await disk[Symbol.asyncDispose]();
      winch[Symbol.dispose]();
    },
  };
}

function requireSuccess(exit: WinchExit, what: string): WinchExit {
  assert.deepEqual([exit.exitCode, exit.signal], [0, null], `${what}: ${exit.stderr}`);
  return exit;
}
