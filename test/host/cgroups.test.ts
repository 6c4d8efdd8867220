import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {
  type Cgroups,
  countOutOfMemoryKills,
  hasCgroup,
  listCgroupProcesses,
  mountPointsOf,
  parseCgroups,
  readCgroups,
  removeCgroup,
} from '../../src/host/cgroups.ts';
import {missingCgroup} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {waitFor} from '../helpers/wait-for.ts';

const skip = missingCgroup();

const ROOT = '22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw';
const UNIFIED = '30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate';
const HYBRID = '31 22 0:27 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw';
const MEMORY = '32 22 0:28 / /sys/fs/cgroup/memory rw,nosuid master:5 - cgroup cgroup rw,memory';
const CPU = '33 22 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid - cgroup cgroup rw,cpu,cpuacct';

describe('host/cgroups', ({test}) => {
  const parse = (...lines: readonly string[]) => parseCgroups(`${lines.join('\n')}\n`);

  test('knows the unified tree', () => {
    const {version, unified, controllers} = parse(ROOT, UNIFIED);
    assert.equal([version, unified, controllers.size], ['v2', '/sys/fs/cgroup', 0]);
  });

  test('knows controllers that share a mount', () => {
    const {version, unified, controllers} = parse(ROOT, MEMORY, CPU);
    assert.equal([version, unified], ['v1', null]);
    assert.is(controllers.get('memory'), '/sys/fs/cgroup/memory');
    assert.is(controllers.get('cpuacct'), '/sys/fs/cgroup/cpu,cpuacct');
  });

  test('knows controllers with a tree of names beside them', () => {
    const {version, unified} = parse(ROOT, MEMORY, CPU, HYBRID);
    assert.equal([version, unified], ['hybrid', '/sys/fs/cgroup/unified']);
  });

  test('reads this machine', () => {
    const {unified, controllers} = readCgroups();
    for (const mountPoint of [...controllers.values(), ...(unified ? [unified] : [])]) readdirSync(mountPoint);
  });

  test('counts kills for want of memory in either version', () => {
    using directory = makeTemporaryDirectory();
    const group = join(directory.path, 'group');
    mkdirSync(group);
    writeFileSync(join(group, 'memory.events'), 'low 0\nhigh 0\nmax 31\noom 3\noom_kill 2\n');
    writeFileSync(join(group, 'memory.oom_control'), 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n');
    const v2: Cgroups = {version: 'v2', controllers: new Map(), unified: directory.path};
    const v1: Cgroups = {version: 'v1', controllers: new Map([['memory', directory.path]]), unified: null};
    assert.is(countOutOfMemoryKills(v2, '/group'), 2);
    assert.is(countOutOfMemoryKills(v1, '/group'), 1);
    assert.is(countOutOfMemoryKills(v2, '/gone'), 0);
    assert.is(countOutOfMemoryKills({...v1, controllers: new Map()}, '/group'), 0);
  });

  test('removes a group from every hierarchy where it is', () => {
    using directory = makeTemporaryDirectory();
    const [memory, cpu] = [join(directory.path, 'memory'), join(directory.path, 'cpu')];
    for (const path of [memory, cpu]) mkdirSync(path);
    mkdirSync(join(memory, 'group'));
    const cgroups: Cgroups = {version: 'hybrid', controllers: new Map([['memory', memory]]), unified: cpu};
    removeCgroup(cgroups, '/group');
    removeCgroup(cgroups, '/group');
    assert.equal(readdirSync(memory), []);
  });

  const listWithin = async (enter: (places: readonly string[], pid: number) => void) => {
    const cgroups = readCgroups();
    const path = `/winch-nested-${process.pid}`;
    const places = mountPointsOf(cgroups).map((mountPoint) => join(mountPoint, path));
    for (const place of places) mkdirSync(join(place, 'inner'), {recursive: true});
    const child = spawn('sleep', ['60'], {stdio: 'ignore'});
    const ended = once(child, 'exit');
    try {
      enter(places, child.pid ?? 0);
      return {listed: listCgroupProcesses(cgroups, path), pid: child.pid};
    } finally {
      child.kill('SIGKILL');
      await ended;
      await waitFor(() => {
        for (const inner of [`${path}/inner`, path]) removeCgroup(cgroups, inner);
        return !hasCgroup(cgroups, path);
      });
    }
  };

  test(
    'lists the processes of groups that a group has made below it',
    async () => {
      const enter = (places: readonly string[], pid: number) =>
        writeFileSync(join(places.at(-1) ?? '', 'inner/cgroup.procs'), String(pid));
      const {listed, pid} = await listWithin(enter);
      assert.equal(listed, [pid]);
    },
    {skip},
  );

  test(
    'lists the processes of a group of threads',
    async () => {
      const {unified} = readCgroups();
      const {listed, pid} = await listWithin((places, child) => {
        const top = places.find((place) => place.startsWith(`${unified}/`)) ?? '';
        writeFileSync(join(top, 'inner/cgroup.type'), 'threaded');
        writeFileSync(join(top, 'cgroup.procs'), String(child));
        writeFileSync(join(top, 'inner/cgroup.threads'), String(child));
        assert.throws(() => readFileSync(join(top, 'inner/cgroup.procs')), /ENOTSUP/);
      });
      assert.equal(listed, [pid]);
    },
    {skip: skip ?? (readCgroups().unified === null ? 'no unified tree of cgroups' : undefined)},
  );

  test('does not remove what is in a directory that only looks like a group', () => {
    using directory = makeTemporaryDirectory();
    mkdirSync(join(directory.path, 'group/inside'), {recursive: true});
    const cgroups: Cgroups = {version: 'v2', controllers: new Map(), unified: directory.path};
    assert.throws(() => removeCgroup(cgroups, '/group'), /ENOTEMPTY/);
    rmdirSync(join(directory.path, 'group/inside'));
  });
});
