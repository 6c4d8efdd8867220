import {createHash, randomFillSync} from 'node:crypto';
import {closeSync, openSync, readFileSync, writeSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {processes} from '../helpers/container-traces.ts';
import {requireSuccess} from '../helpers/require-exit.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const MEBIBYTE = 1024 * 1024;
const BYTES = 1024 * MEBIBYTE;
const LONGEST_LINE_BYTES = 64 * MEBIBYTE;
const MOST_MEBIBYTES = 250;
const NEWLINE = 10;
const POLL_MS = 20;
const isWanted = process.env.WINCH_TEST_LARGE === '1';
const skip = isWanted ? missingFor('runc', 'busybox', 'conmon') : 'takes a minute and 3 GiB: set WINCH_TEST_LARGE=1';

describe('e2e/large-streams', ({test: declare, before, after}) => {
  const test = (title: string, body: () => Promise<void>) => declare(title, body, {skip, timeoutMs: 20 * 60_000});
  let opened: (Large & Disposable) | undefined;
  const large = () => opened ?? fail();

  before(async () => {
    if (skip === undefined) opened = await openLarge();
  });
  after(() => opened?.[Symbol.dispose]());

  test('U14 a run passes on 1 GiB of any bytes, a line of 64 MiB among them, in little memory', async () => {
    const {winch, volume, hash} = large();
    const {printed, mebibytes} = await hashOutput(
      winch,
      `winch run --rm --network none -v ${volume} busybox cat /data`,
    );
    assert.is(printed, hash);
    assert.ok(mebibytes < MOST_MEBIBYTES, `${mebibytes} MiB`);
  });

  test('U14 the log of a container has 1 GiB of any bytes as they were written, and is read in little memory', async () => {
    const {winch, volume, hash} = large();
    const words = ['run', '-d', '--name', 'box', '--network', 'none', '-v', volume, 'busybox', 'cat', '/data'];
    requireSuccess(await winch.run(words));
    assert.is(requireSuccess(await winch.run(['wait', 'box'])).stdout, '0\n');
    const {printed, mebibytes} = await hashOutput(winch, 'winch logs box');
    requireSuccess(await winch.run(['rm', 'box']));
    assert.is(printed, hash);
    assert.ok(mebibytes < MOST_MEBIBYTES, `${mebibytes} MiB`);
  });

  test('U14 a reader that is slow gets all of it', async () => {
    const {winch, volume, hash} = large();
    const slow = 'for i in 1 2 3 4 5 6 7 8 9 10; do head -c 20000000; sleep 0.3; done; cat';
    const line = `winch run --rm --network none -v ${volume} busybox cat /data | { ${slow}; } | sha256sum`;
    assert.is(requireSuccess(await winch.startShell(line).exited).stdout.slice(0, 64), hash);
  });
});

interface Large {
  readonly winch: Winch;
  /** Puts the bytes at `/data`. */
  readonly volume: string;
  readonly hash: string;
}

async function openLarge(): Promise<Large & Disposable> {
  const winch = makeWinch();
  await using registry = await startRegistry();
  registry.put('busybox', '1', busyboxImage());
  requireSuccess(await winch.run(['pull', '-q', `${registry.host}/busybox:1`]));
  requireSuccess(await winch.run(['tag', `${registry.host}/busybox:1`, 'busybox']));
  const path = join(winch.directory, 'data');
  return {winch, volume: `${path}:/data:ro`, hash: writeRandom(path), [Symbol.dispose]: winch[Symbol.dispose]};
}

/** @returns the sha256 of what it has written, hexadecimal. */
function writeRandom(path: string): string {
  const hash = createHash('sha256');
  const file = openSync(path, 'w');
  const piece = Buffer.alloc(MEBIBYTE);
  for (let written = 0; written < BYTES; written += piece.length) {
    randomFillSync(piece);
    if (written < LONGEST_LINE_BYTES)
      for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE)) piece[at] = 0;
    hash.update(piece);
    writeSync(file, piece);
  }
  closeSync(file);
  return hash.digest('hex');
}

/** Of a command line: the sha256 of what it prints, and the most memory that winch had. */
async function hashOutput(winch: Winch, line: string): Promise<{readonly printed: string; readonly mebibytes: number}> {
  const command = winch.startShell(`${line} | sha256sum`);
  let [isOver, mebibytes] = [false, 0];
  const watch = async () => {
    for (; !isOver; await sleep(POLL_MS))
      for (const pid of ownProcesses(line)) mebibytes = Math.max(mebibytes, peakOf(pid));
  };
  const watching = watch();
  const {stdout} = requireSuccess(await command.exited);
  isOver = true;
  await watching;
  assert.ok(mebibytes > 0);
  return {printed: stdout.slice(0, 64), mebibytes};
}

const ownProcesses = (line: string): readonly number[] =>
  processes()
    .filter(({words}) =>
      words
        .join(' ')
        .trim()
        .endsWith(line.replace(/^winch /, '')),
    )
    .map(({pid}) => pid);

function peakOf(pid: number): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function fail(): never {
  throw new Error('the image was not pulled');
}
