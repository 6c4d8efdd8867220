import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar} from '../../../fixtures/build-tar.ts';
import type {CreateRequest} from '../../../src/containers/kept/create-container.ts';
import {identifyProcess} from '../../../src/host/process-identity.ts';
import type {Toolkit} from '../../../src/toolkit.ts';
import {tracesOf} from '../../helpers/container-traces.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingFor, missingRoot} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {driverSkip} from '../../snapshots/driver-rig.ts';
import {eventually, IMAGE, type KeptStore, openKeptStore} from './kept-store.ts';

const DRIVERS = ['copy', 'fuse-overlayfs'] as const;
type Driver = (typeof DRIVERS)[number];

const skip = missingFor('runc', 'busybox', 'conmon') ?? missingRoot();
const skipOf = (driver: Driver) => skip ?? driverSkip(driver);
/** Needs none of its files while it waits. */
const SLEEPING = 'exec sleep 600';
const WAITING = 'echo up; trap "exit 9" TERM; while :; do sleep 0.05; done';

/** Containers whose files no driver of the kernel mounts. */
describe('containers/kept/own-driver', ({test: declare, before, after}) => {
  const test = (title: string, driver: Driver, body: () => unknown) =>
    declare(title, body, {skip: skipOf(driver), timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  const store = (): KeptStore => opened ?? fail();

  before(async () => {
    if (skip === undefined) opened = await openKeptStore();
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const containersOf = async (snapshotter: Driver | 'overlay') => (await store().open({snapshotter})).containers;
  const create = (containers: Toolkit['containers'], script: string, more: Partial<CreateRequest> = {}) =>
    containers.create({
      image: IMAGE,
      policy: 'never',
      ...more,
      container: {command: ['sh', '-c', script], ...more.container},
    });
  const start = async (driver: Driver, script: string, more?: Partial<CreateRequest>) => {
    const containers = await containersOf(driver);
    const id = await containers.start(await create(containers, script, more));
    return {containers, id};
  };
  const printed = (id: string, text: string) => eventually(async () => (await store().readLogs(id)).stdout === text);
  const serversOf = (id: string): readonly number[] => {
    const directory = join(store().runtimeDirectory, 'kept', id, 'servers');
    return existsSync(directory) ? readdirSync(directory).map(Number) : [];
  };
  /** Before, it would look for its program among files that are gone, and end by itself. */
  /** Earlier, it may need a page of its program that nobody serves any more, and die of that. */
  const sleeps = (pid: number) => eventually(() => /sleep/.test(readFileSync(`/proc/${pid}/wchan`, 'utf8')));
  const tracesLeft = (id: string) => tracesOf([id], {root: store().root, runtimeDirectory: store().runtimeDirectory});

  for (const driver of DRIVERS) {
    test(`${driver}: what is written stays from start to start, is told, and becomes an image`, driver, async () => {
      const script = `rm -r /home; mkdir /home; echo x > /home/new; rm -f /etc/passwd; echo more >> /log; cat /log; ${WAITING}`;
      const {containers, id} = await start(driver, script);
      await printed(id, 'more\nup\n');
      const changes = (await containers.diff(id)).map(({kind, path}) => `${kind} ${path}`);
      const expected = ['C /etc', 'D /etc/passwd', 'C /home', 'D /home/alice', 'A /home/new', 'A /log'];
      assert.equal(changes, expected);
      writeFileSync(join(store().root, '..', 'put'), 'put\n');
      await containers.copyTo({container: id, source: join(store().root, '..', 'put'), path: '/running'});
      await containers.stop(id, {timeoutSeconds: 0});
      await containers.copyTo({container: id, source: join(store().root, '..', 'put'), path: '/ended'});
      for (const path of ['/running', '/ended']) {
        const destination = join(store().root, '..', 'got');
        await containers.copyFrom({container: id, path, destination});
        assert.is(readFileSync(destination, 'utf8'), 'put\n');
      }
      const {imageId} = await containers.commit(id);
      const look = ['sh', '-c', 'ls /home /ended /running /log; ls /etc/passwd 2>&1'];
      const other = await containers.start(await containers.create({image: imageId, container: {command: look}}));
      assert.is(await containers.wait(other), 1);
      const seen = '/ended\n/log\n/running\n\n/home:\nnew\nls: /etc/passwd: No such file or directory\n';
      assert.is((await store().readLogs(other)).stdout, seen);
      await containers.start(id);
      await printed(id, 'more\nup\nmore\nmore\nup\n');
      await containers.remove(id, {force: true});
      await eventually(() => tracesLeft(id).length === 0);
      await store().requireNoTraces();
      await store().toolkit.images.remove([imageId]);
    });

    test(`${driver}: another image is mounted in it, and a volume is no part of it`, driver, async () => {
      const {containers, id} = await start(driver, 'ls /other/home; echo v > /srv/data/file; echo up; exec sleep 600', {
        container: {
          mounts: [
            {type: 'image', source: IMAGE, target: '/other'},
            {type: 'volume', source: `data-${driver}`, target: '/srv/data'},
          ],
        },
      });
      await printed(id, 'alice\nup\n');
      const tar = buildTar([{path: 'srv', content: 'in the place of a directory'}]);
      for (const state of ['running', 'ended']) {
        if (state === 'ended') await containers.stop(id, {timeoutSeconds: 0});
        const put = containers.copyTo({container: id, source: pieces(tar), path: '/'}, {replacesOtherKinds: true});
        assert.is((await rejectionOf(put)).code, 'DESTINATION_INVALID', state);
        const destination = join(store().root, '..', 'got');
        await containers.copyFrom({container: id, path: '/srv/data/file', destination});
        assert.is(readFileSync(destination, 'utf8'), 'v\n', state);
      }
      await store().requireNoTraces();
      await store().toolkit.volumes.remove(`data-${driver}`);
    });

    test(`${driver}: a container goes on with the driver that it was made with`, driver, async () => {
      const script = 'echo once >> /log; cat /log';
      const {containers, id} = await start(driver, script);
      await containers.wait(id);
      const others = await containersOf('overlay');
      assert.is(await others.wait(await others.start(id)), 0);
      assert.is((await store().readLogs(id)).stdout, 'once\nonce\nonce\n');
      const kernels = await create(others, script);
      const {code, message} = await rejectionOf(containers.start(kernels));
      assert.is(code, 'KEEP_UNSUPPORTED');
      assert.match(message, `made with a driver of the kernel, and cannot go on with ${driver}`);
      assert.is(await others.wait(await others.start(kernels)), 0);
      await store().requireNoTraces();
    });
  }

  test('a copy that was cut off is made anew', 'copy', async () => {
    const containers = await containersOf('copy');
    const id = await create(containers, 'cat /etc/passwd > /dev/null && ls /junk');
    const writable = join(store().root, 'kept', id, 'writable');
    mkdirSync(join(writable, 'rootfs.new', 'junk'), {recursive: true});
    assert.is(await containers.wait(await containers.start(id)), 1);
    assert.equal(readdirSync(writable), ['rootfs']);
    await store().requireNoTraces();
  });

  test(
    'fuse-overlayfs outlives whoever has started it and conmon, and ends with the container',
    'fuse-overlayfs',
    async () => {
      const {id} = await start('fuse-overlayfs', WAITING);
      const [server = 0, ...more] = serversOf(id);
      assert.equal([identifyProcess(server) === null, more], [false, []]);
      const {process: first, supervisor} = store().readStart(id);
      process.kill(supervisor.pid, 'SIGKILL');
      await eventually(() => identifyProcess(supervisor.pid) === null);
      assert.is.not(identifyProcess(server), null);
      assert.is((await store().find(id)).state, 'running');
      process.kill(first.pid, 'SIGKILL');
      await eventually(() => identifyProcess(server) === null);
      await store().requireNoTraces();
    },
  );

  test(
    'a fuse-overlayfs that was killed is told in a line, and the next command clears',
    'fuse-overlayfs',
    async () => {
      const {containers, id} = await start('fuse-overlayfs', SLEEPING, {name: 'served'});
      const {process: first} = store().readStart(id);
      await sleeps(first.pid);
      for (const server of serversOf(id)) process.kill(server, 'SIGKILL');
      await eventually(() => serversOf(id).every((server) => identifyProcess(server) === null));
      const {code, message} = await rejectionOf(containers.top(id));
      assert.is(code, 'CONTAINER_STOPPED');
      assert.is(message, 'container served is not running: fuse-overlayfs, which served its files, was ended');
      assert.is.not(identifyProcess(first.pid), null);
      const {state, lostBecause} = await store().find(id);
      assert.equal([state, lostBecause], ['exited', 'fuse-overlayfs, which served its files, was ended']);
      assert.is(identifyProcess(first.pid), null);
      await containers.start(id);
      assert.is((await store().find(id)).state, 'running');
      await store().requireNoTraces();
    },
  );

  test('what lives without its files is ended by the next start', 'fuse-overlayfs', async () => {
    const {containers, id} = await start('fuse-overlayfs', SLEEPING);
    const {process: first} = store().readStart(id);
    await sleeps(first.pid);
    for (const server of serversOf(id)) process.kill(server, 'SIGKILL');
    await eventually(() => serversOf(id).every((server) => identifyProcess(server) === null));
    await containers.start(id);
    assert.is(identifyProcess(first.pid), null);
    assert.is((await store().find(id)).state, 'running');
    await containers.remove(id, {force: true});
    await eventually(() => tracesLeft(id).length === 0);
    await store().requireNoTraces();
  });
});

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const fail = (): never => {
  throw new Error('the store was not opened');
};
