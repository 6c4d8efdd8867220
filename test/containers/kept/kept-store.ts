import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {busyboxImage} from '../../../fixtures/busybox-image.ts';
import {startRegistry} from '../../../fixtures/registry-server.ts';
import type {CreateRequest} from '../../../src/containers/kept/create-container.ts';
import type {ContainerSummary} from '../../../src/containers/kept/list-containers.ts';
import type {LogsOptions} from '../../../src/containers/kept/read-logs.ts';
import {isWinchError} from '../../../src/errors.ts';
import type {Toolkit} from '../../../src/toolkit.ts';
import {tracesOf} from '../../helpers/container-traces.ts';
import {openTestStore, type TestStore} from '../../helpers/open-store.ts';

/** A store with an image that runs shell commands, and containers of it. */
export interface KeptStore extends AsyncDisposable {
  readonly root: string;
  readonly runtimeDirectory: string;
  readonly toolkit: Toolkit;
  readonly open: TestStore['open'];
  create(script: string, more?: Partial<CreateRequest>): Promise<string>;
  /** Creates and starts. */
  start(script: string, more?: Partial<CreateRequest>): Promise<string>;
  find(id: string): Promise<ContainerSummary>;
  readLogs(id: string, options?: LogsOptions): Promise<{readonly stdout: string; readonly stderr: string}>;
  /** The last start of a container, as it was noted. */
  readStart(id: string): {readonly process: {readonly pid: number}; readonly supervisor: {readonly pid: number}};
  /** Removes all containers, and asserts that no mount, cgroup, process or directory of any is left. */
  requireNoTraces(): Promise<void>;
}

export const IMAGE = 'busybox';
const PATIENCE_MS = 90_000;

export async function openKeptStore(): Promise<KeptStore> {
  const opened = await openTestStore();
  const {toolkit, root} = opened;
  await using registry = await startRegistry();
  registry.put('busybox', 'latest', busyboxImage());
  await toolkit.images.pull(`${registry.host}/busybox`, {platform: 'linux/amd64'});
  await toolkit.images.tag(`${registry.host}/busybox`, IMAGE);
  await toolkit.images.untag([`${registry.host}/busybox`]);
  const runtimeDirectory = join(root, '..', 'run');
  const ids = new Set<string>();
  const create: KeptStore['create'] = async (script, {container, ...more} = {}) => {
    const command = ['sh', '-c', script];
    const request = {image: IMAGE, policy: 'never', ...more, container: {command, ...container}} as const;
    const id = await toolkit.containers.create(request);
    ids.add(id);
    return id;
  };
  const requireNoTraces = async () => {
    for (const {id, isKept} of await toolkit.containers.list()) if (isKept) await removeUnlessGone(toolkit, id);
    const find = () => tracesOf([...ids, runtimeDirectory, join(root, 'kept')], {root, runtimeDirectory});
    await eventually(() => find().length === 0).catch(() => assert.equal(find(), []));
  };
  return {
    root,
    runtimeDirectory,
    toolkit,
    open: opened.open,
    create,
    start: async (...args) => toolkit.containers.start(await create(...args)),
    find: async (id) => {
      const found = (await toolkit.containers.list()).find((container) => container.id === id);
      if (!found) throw new Error(`${id} is not listed`);
      return found;
    },
    readLogs: async (id, options) => {
      const text = {stdout: '', stderr: ''};
      for await (const {stream, bytes} of toolkit.containers.logs(id, options))
        text[stream] += bytes.toString('latin1');
      return text;
    },
    readStart: (id) => JSON.parse(readFileSync(join(root, 'kept', id, 'start.json'), 'utf8')),
    requireNoTraces,
    [Symbol.asyncDispose]: async () => {
      try {
        await requireNoTraces();
      } finally {
        await opened[Symbol.asyncDispose]();
      }
    },
  };
}

/** It may be about to go by itself. */
async function removeUnlessGone({containers}: Toolkit, id: string): Promise<void> {
  try {
    await containers.remove(id, {force: true});
  } catch (error) {
    if (!isWinchError(error, 'CONTAINER_UNKNOWN')) throw error;
  }
}

/** As `waitFor`, for what other processes do that have to be started first, on a machine that has much to do. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`it did not come about: ${condition}`);
    await sleep(50);
  }
}
