import {readFileSync} from 'node:fs';
import * as assert from 'uvu/assert';
import {expectCgroupMove} from '../../src/host/expect-cgroup-move.ts';
import {locateOwnCgroup, locateOwnProcesses, readOwnCgroupPath} from '../../src/host/own-cgroup-path.ts';
import {describe} from '../helpers/suite.ts';

const v1 = (root: string, ...names: readonly string[]) =>
  `32 31 0:29 ${root} /sys/fs/cgroup/${names[0]} rw - cgroup cgroup rw,${names.join(',')}`;
const v2 = (root: string) => `41 31 0:38 ${root} /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw`;
const locate = (memberships: readonly string[], mounts: readonly string[]) =>
  locateOwnCgroup(`${memberships.join('\n')}\n`, `${mounts.join('\n')}\n`);

describe('host/own-cgroup-path', ({test}) => {
  test('is the one of the unified hierarchy', () => {
    assert.is(locate(['0::/user.slice/a.scope'], [v2('/')]), '/user.slice/a.scope');
    assert.is(locate(['0::/'], [v2('/')]), '/');
  });

  test('is the deepest, where this process is at or above it in all other hierarchies', () => {
    const mounts = [v1('/', 'memory'), v1('/', 'cpu', 'cpuacct'), v1('/', 'name=systemd'), v1('/', 'cpuset'), v2('/')];
    const memberships = ['5:memory:/a/b', '4:cpu,cpuacct:/a', '1:name=systemd:/a/b/c:d', '3:cpuset:/', '0::/a/b'];
    assert.is(locate(memberships, mounts), '/a/b/c:d');
    assert.is(locate(['5:memory:/a/b', '3:cpuset:/ab'], mounts), null);
    assert.is(locate(['5:memory:/a/bc', '3:cpuset:/a/b'], mounts), null);
    assert.is(
      locate(['5:memory:/a', '9:pids:/z'], mounts),
      '/a',
      'a hierarchy that is not mounted here does not count',
    );
  });

  test('begins where the hierarchies are mounted from, as in a container', () => {
    assert.is(locate(['5:memory:/docker/x'], [v1('/docker/x', 'memory')]), '/');
    assert.is(locate(['5:memory:/docker/x/sub'], [v1('/docker/x', 'memory')]), '/sub');
    assert.is(locate(['5:memory:/docker/y'], [v1('/docker/x', 'memory')]), null);
    assert.is(locate(['0::/../y'], [v2('/')]), null);
  });

  test('has a file that lists its processes, in the first hierarchy where it can be seen', () => {
    const memberships = '5:memory:/docker/y\n4:cpu,cpuacct:/docker/x/sub\n0::/docker/x\n';
    const mounts = [v1('/docker/x', 'memory'), v1('/docker/x', 'cpu', 'cpuacct'), v2('/')];
    const file = (count: number) => locateOwnProcesses(memberships, mounts.slice(0, count).join('\n'));
    assert.is(file(3), '/sys/fs/cgroup/cpu/sub/cgroup.procs');
    assert.is(file(1), null);
    assert.is(file(0), null);
    assert.is(locateOwnProcesses('0::/docker/x\n', v2('/')), '/sys/fs/cgroup/unified/docker/x/cgroup.procs');
  });

  test('of this process lists it, also after the kernel was told that another one is about to move', async () => {
    const read = () => readFileSync('/proc/self/cgroup', 'utf8');
    const [memberships, mountInfo] = [read(), readFileSync('/proc/thread-self/mountinfo', 'utf8')];
    const file = locateOwnProcesses(memberships, mountInfo);
    const isListed = () => file === null || readFileSync(file, 'utf8').split('\n').map(Number).includes(process.pid);
    assert.ok(isListed());
    await expectCgroupMove();
    assert.ok(isListed());
    assert.is(read(), memberships);
  });

  test('of this process is a path', () => assert.match(readOwnCgroupPath() ?? '/', /^\//));
});
