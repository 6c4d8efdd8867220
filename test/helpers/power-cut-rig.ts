import * as assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {rm} from 'node:fs/promises';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import type {RegistryServer} from '../../fixtures/registry-server.ts';
import {type LoopDisk, openLoopDisk} from './loop-disk.ts';
import {requireProgram} from './run-program.ts';
import {makeWinch, type Winch, type WinchExit} from './winch.ts';

export interface PowerCutRig extends AsyncDisposable {
  readonly winch: Winch;
  readonly disk: LoopDisk;
  /** Pulls into an empty store. @returns milliseconds */
  time(): Promise<number>;
  /**
   * Cuts the power during a pull into a store that holds another image, or right after the pull when `afterMs` is null.
   *
   * Asserts that the store is sound, the earlier image is there, the pulled one as well when the pull had succeeded, and
   * that the next pull succeeds.
   *
   * @returns whether the pull had succeeded.
   */
  cut(afterMs: number | null): Promise<boolean>;
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

export async function openPowerCutRig({
  registry,
  references,
  isFirstFast = false,
}: PowerCutOptions): Promise<PowerCutRig> {
  const winch = makeWinch();
  const disk = await openLoopDisk(winch.directory, DISK_MEBIBYTES);
  const root = join(disk.path, 'store');
  const call = {within: disk.within, env: {WINCH_ROOT: root}};
  const [old, wanted] = references.map((name) => `${registry.host}/${name}`);
  const list = async () => {
    const {stdout} = requireSuccess(
      await winch.run(['images', '--format', '{{.Repository}}:{{.Tag}}'], call),
      'images',
    );
    return stdout.split('\n').filter(Boolean);
  };
  const pull = async (reference = '', words: readonly string[] = []) =>
    requireSuccess(await winch.run(['pull', ...words, reference], call), 'pull');
  const requireSound = async () => {
    const [program = '', ...rest] = [...disk.within, process.execPath, CHECKER, root];
    assert.equal(await requireProgram(program, rest), '');
  };
  const startOver = async () => {
    await rm(join(disk.outside, 'store'), {recursive: true, force: true});
    await pull(old, isFirstFast ? ['--durability', 'fast'] : []);
  };
  return {
    winch,
    disk,
    time: async () => {
      await startOver();
      const start = performance.now();
      await pull(wanted);
      return performance.now() - start;
    },
    cut: async (afterMs) => {
      await startOver();
      const running = winch.start(['pull', wanted ?? ''], call);
      await Promise.race([afterMs === null ? running.exited : sleep(afterMs), running.exited]);
      const isDone = running.child.exitCode === 0;
      disk.cutPower();
      running.child.kill('SIGKILL');
      await running.exited;
      await disk.restart();
      assert.ok(existsSync(join(disk.outside, 'store/winch.db')), 'the database is gone');
      const found = await list();
      if (!isFirstFast) assert.ok(found.includes(old ?? ''), `the earlier image is gone: ${found}`);
      if (isDone) assert.ok(found.includes(wanted ?? ''), `the pulled image is gone: ${found}`);
      await requireSound();
      await pull(wanted);
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
