import * as assert from 'node:assert/strict';
import {createCipheriv} from 'node:crypto';
import {existsSync, readdirSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {findStoreProblems} from './store-problems.ts';
import {waitFor} from './wait-for.ts';
import {makeWinch, type Winch} from './winch.ts';

/** With the exit codes that shells know. */
export const ENDING_SIGNALS = Object.freeze({SIGINT: 130, SIGTERM: 143, SIGHUP: 129});
export type EndingSignal = keyof typeof ENDING_SIGNALS;

/** When a signal comes: so long after the start of a pull, or when so many bytes of layers were sent. */
export type Moment = {readonly afterMs: number} | {readonly bytes: number};

export interface Interruption {
  /** False: it had ended by itself. */
  readonly isHit: boolean;
  /** From the signal to the end of the process. */
  readonly milliseconds: number;
}

/** Pulls that are interrupted, each into an empty store. */
export interface SignalRig extends AsyncDisposable {
  readonly winch: Winch;
  readonly registry: RegistryServer;
  readonly reference: string;
  readonly imageBytes: number;
  /** Runs undisturbed. @returns milliseconds */
  time(): Promise<number>;
  /**
   * Interrupts a pull, once or twice, and asserts its exit code, that it printed no result and one line on why it ended,
   * that the store is sound, and that the next pull asks for no byte that is stored.
   */
  interrupt(signal: EndingSignal, moment: Moment, repeatAfterMs?: number): Promise<Interruption>;
  /** The next pull succeeds and asks for no byte that is stored. */
  requireResumed(): Promise<void>;
  sentBytes(): number;
}

const MB = 1_000_000;
const LAYERS = [4 * MB, 2 * MB].map((bytes, index) =>
  buildTar([{path: `data-${index}`, content: noise(bytes, index)}]),
);
const IMAGE = buildImage({layers: LAYERS, compression: 'none'});
/** About 5 MB/s: enough time to be interrupted in. */
const SLOW = {on: 'blob', slow: {bytes: 32_768, pauseMs: 6}} as const;

export async function openSignalRig(): Promise<SignalRig> {
  const [winch, registry] = [makeWinch(), await startRegistry({faults: [SLOW]})];
  registry.put('app', '1', IMAGE);
  const reference = `${registry.host}/app:1`;
  const imageBytes = IMAGE.layers.reduce((sum, {bytes}) => sum + bytes.length, 0);
  const startOver = async () => {
    await winch.run(['rmi', reference]);
    await winch.run(['prune', '--partials']);
    registry.setFaults([SLOW]);
  };
  const requireResumed = async () => {
    const kept = keptBytes(winch);
    registry.setFaults([]);
    // What is told of earlier requests still grows until the server notices that nobody listens.
    const first = registry.requests.length;
    const {exitCode, stderr} = await winch.run(['pull', reference]);
    assert.equal(exitCode, 0, stderr);
    assert.equal(sentBytes(registry, first), imageBytes - kept);
    assert.deepEqual(findStoreProblems(winch.root), []);
    assert.deepEqual(readdirSync(join(winch.root, 'ingest')), []);
  };
  return {
    winch,
    registry,
    reference,
    imageBytes,
    sentBytes: () => sentBytes(registry),
    requireResumed,
    time: async () => {
      await startOver();
      const start = performance.now();
      assert.equal((await winch.run(['pull', reference])).exitCode, 0);
      return performance.now() - start;
    },
    interrupt: async (signal, moment, repeatAfterMs) => {
      await startOver();
      const before = sentBytes(registry);
      const {child, exited} = winch.start(['pull', reference]);
      if ('bytes' in moment) await waitFor(() => sentBytes(registry) - before >= moment.bytes);
      else await Promise.race([sleep(moment.afterMs), exited]);
      const start = performance.now();
      const isHit = child.kill(signal);
      if (repeatAfterMs !== undefined) void sleep(repeatAfterMs).then(() => child.kill(signal));
      const {exitCode, signal: killer, stdout, stderr} = await exited;
      const milliseconds = performance.now() - start;
      const isDone = exitCode === 0;
      // Node itself is not ready for a signal in the first milliseconds, and dies of it as any program does.
      if (killer !== null) assert.deepEqual([killer, stdout, stderr], [signal, '', '']);
      else if (!isDone) {
        assert.deepEqual([exitCode, stdout], [ENDING_SIGNALS[signal], '']);
        if (repeatAfterMs === undefined) assert.equal(stderr.match(/^winch: INTERRUPTED: .+$/gm)?.length, 1, stderr);
      }
      await requireResumed();
      return {isHit: isHit && !isDone, milliseconds};
    },
    [Symbol.asyncDispose]: async () => {
      await registry.close();
      winch[Symbol.dispose]();
    },
  };
}

/** Of the layers, as answers to requests from the `first` on. */
const sentBytes = ({requests}: RegistryServer, first = 0): number =>
  requests
    .slice(first)
    .filter(({url}) => IMAGE.layers.some(({digest}) => url.endsWith(digest)))
    .reduce((sum, {bytes}) => sum + bytes, 0);

/** Of the layers: what is stored, and what is on its way. */
const keptBytes = ({root}: Winch): number =>
  IMAGE.layers
    .flatMap(({digest}) => [
      join(root, 'ingest', `blob-${digest.replace(':', '-')}`),
      join(root, 'blobs', digest.replace(':', '/')),
    ])
    .filter((path) => existsSync(path))
    .reduce((sum, path) => sum + statSync(path).size, 0);

/** Bytes that no compression shortens, the same for each seed. */
function noise(length: number, seed: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, seed + 1), Buffer.alloc(16)).update(Buffer.alloc(length));
}
