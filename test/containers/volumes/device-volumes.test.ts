import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import type {MountRequest} from '../../../src/bundle/container-options.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory, type TemporaryDirectory} from '../../helpers/temporary-directory.ts';
import {IMAGE, type KeptStore, openKeptStore} from '../kept/kept-store.ts';

const skip = missingFor('runc', 'busybox', 'conmon');

/** Volumes that are mounts. */
describe('containers/volumes/device-volumes', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  let directory: TemporaryDirectory | undefined;
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const volumes = () => store().toolkit.volumes;
  const at = (name: string) => join(directory?.path ?? '', name);

  before(async () => {
    if (skip !== undefined) return;
    directory = makeTemporaryDirectory();
    opened = await openKeptStore();
  });
  after(async () => {
    await opened?.[Symbol.asyncDispose]();
    directory?.[Symbol.dispose]();
  });

  const volume = (source: string, more: object = {}): MountRequest => ({type: 'volume', source, target: '/v', ...more});
  const outputOf = async (script: string, mount: MountRequest) => {
    const id = await store().start(script, {container: {mounts: [mount]}});
    await containers().wait(id);
    const {stdout, stderr} = await store().readLogs(id);
    await containers().remove(id);
    return `${stdout}${stderr}`;
  };
  const runOf = async (script: string, mount: MountRequest) => {
    const container = {command: ['sh', '-c', script], mounts: [mount]};
    await using run = await containers().spawn({image: IMAGE, policy: 'never', container});
    const [stdout, stderr] = await Promise.all([text(run.stdout), text(run.stderr)]);
    await run.finished;
    return `${stdout}${stderr}`;
  };
  const mountsOf = () => readFileSync('/proc/self/mountinfo', 'utf8').split('\n').length;

  test('memory of the size that is asked for is there for each container, empty, and goes with it', async () => {
    const before = mountsOf();
    await volumes().create({name: 'scratch', mounts: {type: 'tmpfs', device: 'tmpfs', options: 'size=64k,noexec'}});
    const script = 'grep " /v " /proc/mounts; ls /v; dd if=/dev/zero of=/v/file bs=1k count=100 2>&1 | head -1';
    for (const outcome of [outputOf, runOf, outputOf]) {
      const output = await outcome(script, volume('scratch'));
      assert.match(output, /^tmpfs \/v tmpfs rw,noexec,relatime,size=64k/);
      assert.match(output, /\ndd: error writing '\/v\/file': No space left on device\n/);
    }
    assert.match(await runOf('touch /v/x', volume('scratch', {readOnly: true})), /Read-only file system/);
    assert.is(mountsOf(), before);
    const error = await rejectionOf(volumes().export('scratch'));
    assert.is(error.code, 'VOLUME_UNSUPPORTED');
    await volumes().remove('scratch');
  });

  test('a directory of this machine is bound, and stays when the volume goes', async () => {
    mkdirSync(at('data/part'), {recursive: true});
    writeFileSync(at('data/part/file'), 'of the machine\n');
    await volumes().create({name: 'bound', mounts: {type: 'none', device: at('data'), options: 'bind'}});
    await volumes().create({name: 'locked', mounts: {type: 'none', device: at('data'), options: 'rbind,ro'}});
    assert.is(await outputOf('cat /v/part/file; echo new > /v/new', volume('bound')), 'of the machine\n');
    assert.is(await runOf('cat /v/file', volume('bound', {subpath: 'part'})), 'of the machine\n');
    assert.match(await runOf('echo x > /v/new', volume('locked')), /Read-only file system/);
    for (const name of ['bound', 'locked']) await volumes().remove(name);
    assert.equal(readdirSync(at('data')).toSorted(), ['new', 'part']);
  });

  test('is made by the container that asks for it, with its labels', async () => {
    const mounts = {type: 'tmpfs', device: 'tmpfs', options: 'mode=750'};
    assert.is(await runOf('stat -c %a /v', volume('made', {labels: {by: 'run'}, mounts})), '750\n');
    const {labels, mounts: kept} = await volumes().inspect('made');
    assert.equal([labels, kept], [{by: 'run'}, mounts]);
    await volumes().remove('made');
    assert.is(await runOf('stat -c %a /v', {type: 'volume', target: '/v', mounts}), '750\n');
    assert.equal(await volumes().list(), []);
  });

  test('one that cannot be mounted keeps the container from starting, and says what it was', async () => {
    const codeOf = async (mounts: {type: string; device: string; options: string}) =>
      (await rejectionOf(volumes().create({name: 'odd', mounts}))).code;
    assert.is(await codeOf({type: 'none', device: 'relative', options: 'bind'}), 'VOLUME_INVALID');
    assert.is(await codeOf({type: 'none', device: '/tmp', options: 'bind,nosuid'}), 'VOLUME_INVALID');
    assert.is(await codeOf({type: 'a,b', device: 'x', options: ''}), 'VOLUME_INVALID');
    await volumes().create({name: 'gone', mounts: {type: 'none', device: at('nothing'), options: 'bind'}});
    await volumes().create({name: 'unknown', mounts: {type: 'nosuchfs', device: 'server:/share', options: ''}});
    assert.is((await rejectionOf(runOf('true', volume('gone')))).code, 'MOUNT_SOURCE_MISSING');
    const error = await rejectionOf(runOf('true', volume('unknown')));
    assert.equal(
      [error.code, error.message],
      ['VOLUME_MOUNT_FAILED', 'nosuchfs "server:/share" cannot be mounted (ENODEV)'],
    );
    assert.not.ok(existsSync(at('nothing')));
    for (const name of ['gone', 'unknown']) await volumes().remove(name);
    await store().requireNoTraces();
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
