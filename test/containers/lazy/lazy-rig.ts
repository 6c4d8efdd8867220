import {readFileSync} from 'node:fs';
import {buffer, text} from 'node:stream/consumers';
import {
  type BuiltLayer,
  buildChunkedImage,
  buildChunkedLayer,
  type ChunkedSource,
} from '../../../fixtures/build-chunked-layer.ts';
import type {TarEntry} from '../../../fixtures/build-tar.ts';
import {busyboxEntries} from '../../../fixtures/busybox-image.ts';
import {startRegistry} from '../../../fixtures/registry-server.ts';
import type {RunRequest} from '../../../src/containers/run.ts';
import type {WinchEvent} from '../../../src/events.ts';
import {openFuseDevice} from '../../../src/host/fuse/mount-fuse.ts';
import {canMountDevices} from '../../../src/host/mount-erofs.ts';
import type {ToolkitOptions} from '../../../src/toolkit.ts';
import {openTestStore} from '../../helpers/open-store.ts';
import {missingFor, missingRoot} from '../../helpers/requires.ts';
import {QUICK_RETRIES} from '../../registry/with-registry.ts';

/** Why lazy runs cannot be tested here; undefined when they can. */
export function missingLazy(): string | undefined {
  const missing = missingRoot() ?? missingFor('runc', 'busybox');
  if (missing !== undefined) return missing;
  using device = openFuseDevice();
  if (device === null) return 'needs /dev/fuse';
  const {WINCH_SNAPSHOTTER: driver = 'erofs'} = process.env;
  return canMountDevices() && driver === 'erofs' ? undefined : 'needs Linux 6.12 and the erofs driver';
}

export type Format = 'estargz' | 'zstd:chunked';

/** A layer with busybox and some more. */
export const busyboxLayer = (
  format: Format,
  more: readonly TarEntry[] = [],
  source: Partial<ChunkedSource> = {},
): BuiltLayer => buildChunkedLayer({format, entries: [...busyboxEntries(), ...more], chunkBytes: 300_000, ...source});

/** The processes that serve files for a process, or for its children. */
export function serversBelow(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [
    ...(commandOf(child).includes('lazy-process') ? [child] : []),
    ...serversBelow(child),
  ]);
}

/** Whether a process goes on. */
export const isAlive = (pid: number): boolean => commandOf(pid) !== '';

const childrenOf = (pid: number): readonly number[] =>
  readOrNothing(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number);

const commandOf = (pid: number): string => readOrNothing(`/proc/${pid}/cmdline`);

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** An image at a registry, and an empty store. */
export async function serveLazyImage(layers: readonly (BuiltLayer | Buffer)[], options: Partial<ToolkitOptions> = {}) {
  const registry = await startRegistry();
  const store = await openTestStore({retryPolicy: QUICK_RETRIES, ...options});
  const image = `${registry.host}/app:1`;
  registry.put('app', '1', buildChunkedImage(layers, {config: {Env: ['PATH=/bin'], Cmd: ['/bin/sh']}}));
  const events: WinchEvent[] = [];
  const start = (command: readonly string[], more: Partial<RunRequest> = {}) =>
    store.toolkit.containers.spawn(
      {image, policy: 'missing', lazy: true, platform: 'linux/amd64', container: {command}, ...more} as RunRequest,
      {onEvent: (event) => void events.push(event)},
    );
  return {
    ...store,
    registry,
    image,
    events,
    start,
    run: async (script: string, more: Partial<RunRequest> = {}) => {
      await using process = await start(['sh', '-c', script], more);
      process.stdin.end();
      const [stdout, stderr] = await Promise.all([buffer(process.stdout), text(process.stderr)]);
      return {...(await process.finished), stdout, output: stdout.toString(), stderr};
    },
    warnings: () => events.flatMap((event) => (event.type === 'warning:raised' ? [event.code] : [])),
    messages: () => events.flatMap((event) => (event.type === 'warning:raised' ? [event.message] : [])),
    /** Bytes of blobs that the registry has sent. */
    sentBytes: () => registry.requests.reduce((sum, {class: of, bytes}) => sum + (of === 'blob' ? bytes : 0), 0),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}
