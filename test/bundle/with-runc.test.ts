import {cpSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import type {ContainerOptions} from '../../src/bundle/container-options.ts';
import {findDisk} from '../helpers/find-disk.ts';
import {describe} from '../helpers/suite.ts';
import {openRuncLab, reasonToSkip} from './runc-lab.ts';
import {makeSocketProgram} from './socket-program.ts';

const AF_INET6 = 10;
const AF_ALG = 38;
const AF_VSOCK = 40;
const EPERM = 1;

describe('bundle with runc', ({test: declare, before, after}) => {
  const skip = reasonToSkip();
  const notAmd64 = process.arch === 'x64' ? undefined : 'its programs are for amd64';
  const test = (title: string, body: () => void, reason?: string) => declare(title, body, {skip: skip ?? reason});
  const {directory, host, run, remove} = openRuncLab();

  const disk = findDisk();

  before(() => {
    for (const family of [AF_INET6, AF_ALG, AF_VSOCK]) {
      writeFileSync(join(directory, `rootfs/bin/socket-${family}`), makeSocketProgram(family), {mode: 0o755});
    }
  });
  after(remove);

  const statusOf = (options: ContainerOptions = {}) => {
    const lines = run('grep -E "^(Cap|NoNew|Seccomp:)" /proc/self/status', options).stdout.split('\n');
    return Object.fromEntries(lines.map((line) => line.split(/:\s+/)));
  };

  test('hands the exit code on', () => assert.is(run('exit 37').status, 37));

  test('U07 runs with docker’s capabilities, none inheritable, a filter and no new privileges', () => {
    assert.equal(statusOf(), {
      CapInh: '0000000000000000',
      CapPrm: '00000000a80425fb',
      CapEff: '00000000a80425fb',
      CapBnd: '00000000a80425fb',
      CapAmb: '0000000000000000',
      NoNewPrivs: '1',
      Seccomp: '2',
    });
  });

  test('leaves another user no effective capability', () => {
    const {CapEff, CapPrm, CapBnd} = statusOf({user: 'web'});
    assert.equal([CapEff, CapPrm, CapBnd], ['0000000000000000', '0000000000000000', '00000000a80425fb']);
  });

  test('U06 runs as the user and groups of the image’s files', () => {
    assert.is(run('id', {user: 'web', groupAdd: ['7']}).stdout, 'uid=101 gid=102 groups=4,7,102');
    assert.is(run('echo $HOME; pwd', {user: 'web', workingDirectory: '/new/place'}).stdout, '/srv/web\n/new/place');
  });

  test(
    'U07 refuses sockets to the kernel’s crypto and the hypervisor, allows others (CVE-2026-31431)',
    () => {
      assert.is(run([`/bin/socket-${AF_ALG}`]).status, EPERM);
      assert.is(run([`/bin/socket-${AF_VSOCK}`]).status, EPERM);
      const unconfined = {securityOptions: [{name: 'seccomp', profile: 'unconfined'}]} as const;
      assert.is.not(run([`/bin/socket-${AF_ALG}`], unconfined).status, EPERM);
      assert.is.not(run([`/bin/socket-${AF_INET6}`]).status, EPERM);
    },
    notAmd64,
  );

  test('U07 hides what leaks from the kernel and keeps the rest read-only', () => {
    const script = `cat /proc/interrupts /proc/keys /proc/timer_list 2>/dev/null | wc -c
      ls /sys/firmware /proc/acpi 2>/dev/null | wc -w
      for f in /proc/sys/kernel/panic /sys/kernel/uevent_helper /proc/sysrq-trigger; do
        { echo x > $f; } 2>/dev/null && echo "wrote $f"
      done; true`;
    // ls names the two directories it lists.
    assert.match(run(script).stdout, /^0\n[02]$/);
  });

  test('has no namespace tricks: unshare, mount and setns fail', () => {
    for (const command of [
      'unshare -U true',
      'unshare -m true',
      'mount -t tmpfs x /tmp',
      'mknod /bin/disk b 8 0 && cat /bin/disk',
    ]) {
      assert.is.not(run(`${command} 2>/dev/null`).status, 0, command);
    }
  });

  test('U19 gives the environment that is asked and nothing of the host’s', () => {
    const {stdout} = run(['/bin/busybox', 'env'], {environment: ['A=1', 'A=2 3']});
    assert.equal(stdout.split('\n').sort(), [
      'A=2 3',
      'HOME=/root',
      'HOSTNAME=box',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ]);
  });

  test('mounts what is asked, read-only to the bottom', () => {
    const source = mkdtempSync(join(directory, 'source-'));
    writeFileSync(join(source, 'file'), 'bound');
    const mounts = [
      {type: 'bind', source, target: '/in', readOnly: true, createSource: false},
      {type: 'bind', source: join(source, 'file'), target: '/etc/one', readOnly: false, createSource: false},
      {type: 'tmpfs', target: '/scratch', sizeBytes: 65_536, options: ['exec']},
    ] as const;
    const script = `cat /in/file /etc/one; touch /in/x 2>/dev/null || echo locked
      dd if=/dev/zero of=/scratch/x bs=1k count=100 2>/dev/null || echo full
      grep -c "/scratch.*noexec" /proc/mounts`;
    assert.is(run(script, {mounts}).stdout, 'boundboundlocked\nfull\n0');
  });

  test('locks the rootfs but not a tmpfs on it', () => {
    const options = {readOnlyRootfs: true, mounts: [{type: 'tmpfs', target: '/tmp'}]} as const;
    assert.is(
      run('touch /x 2>/dev/null || echo locked; touch /tmp/x /dev/shm/x && echo open', options).stdout,
      'locked\nopen',
    );
  });

  test('limits memory, processes, CPU and open files', () => {
    const options = {
      memoryBytes: 32 * 1024 * 1024,
      pidsLimit: 20,
      cpus: 0.5,
      ulimits: [{name: 'nofile', soft: 64, hard: 128}],
    };
    const [memory, pids, cpu] =
      host.cgroup.version === 'v2'
        ? ['memory.max', 'pids.max', 'cpu.max']
        : ['memory/memory.limit_in_bytes', 'pids/pids.max', 'cpu/cpu.cfs_quota_us'];
    const script = `cd /sys/fs/cgroup; cat ${memory} ${pids} ${cpu}; ulimit -n; ulimit -Hn`;
    assert.match(run(script, options).stdout, /^33554432\n20\n50000( 100000)?\n64\n128$/);
  });

  test('limits CPU in periods of its own, and where its memory is', () => {
    const options = {cpuQuotaUs: 25_000, cpuPeriodUs: 50_000, cpusetMems: '0'};
    if (host.cgroup.version === 'v2') {
      assert.is(run('cd /sys/fs/cgroup; cat cpu.max cpuset.mems', options).stdout, '25000 50000\n0');
      return;
    }
    const files = 'cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us cpuset/cpuset.mems memory/memory.swappiness';
    const {stdout} = run(`cd /sys/fs/cgroup; cat ${files}`, {...options, memorySwappiness: 7});
    assert.is(stdout, '25000\n50000\n0\n7');
  });

  test(
    'limits what is read from and written to a disk',
    () => {
      const path = disk?.path ?? '';
      const blkioLimits = (['read-bps', 'write-bps', 'read-iops', 'write-iops'] as const).map((kind, index) => ({
        ...{path, kind},
        amount: 2 ** 20 + index,
      }));
      const isUnified = host.cgroup.version === 'v2';
      const names = ['read_bps', 'write_bps', 'read_iops', 'write_iops'].map((name) => `throttle.${name}_device`);
      const script = isUnified
        ? 'cat /sys/fs/cgroup/io.max'
        : `cd /sys/fs/cgroup/blkio; cat ${names.map((name) => `blkio.${name}`).join(' ')}`;
      const rates = [1_048_576, 1_048_577, 1_048_578, 1_048_579];
      const [rbps, wbps, riops, wiops] = rates;
      assert.is(
        run(script, {blkioLimits}).stdout,
        isUnified
          ? `${disk?.numbers} rbps=${rbps} wbps=${wbps} riops=${riops} wiops=${wiops}`
          : rates.map((rate) => `${disk?.numbers} ${rate}`).join('\n'),
      );
    },
    disk === null ? 'this machine shows no disk' : undefined,
  );

  test(
    'weighs what is read and written',
    () => {
      const script =
        'cd /sys/fs/cgroup; cat io.bfq.weight io.weight blkio/blkio.weight blkio/blkio.bfq.weight 2>/dev/null';
      assert.match(run(`${script}; true`, {blkioWeight: 500}).stdout, /^(default )?(500|4950)$/m);
    },
    host.cgroup.hasBlockIoWeights ? undefined : 'no disk has a scheduler with weights',
  );

  test('keeps devices closed whose numbers no rule allows', () => {
    // There is nothing behind these numbers, so that only the rule decides what error that is.
    const open = 'mknod /dev/nothing c 1 10 && cat /dev/nothing 2>&1; true';
    assert.match(run(open).stdout, 'not permitted');
    assert.match(run(open, {deviceCgroupRules: ['c 1:* rwm']}).stdout, 'No such device');
  });

  test('gives a privileged container everything', () => {
    const status = statusOf({privileged: true});
    assert.equal([status.NoNewPrivs, status.Seccomp], ['0', '0']);
    const count = [...BigInt(`0x${status.CapEff}`).toString(2)].filter((bit) => bit === '1').length;
    assert.is(count, host.capabilities.length);
    assert.is(run('test -w /sys/kernel && mount -t tmpfs x /bin && echo done', {privileged: true}).stdout, 'done');
  });

  test('shares the host’s network or has only a loopback device', () => {
    const countDevices = 'tail -n +3 /proc/net/dev | wc -l';
    assert.is(run(countDevices).stdout, '1');
    assert.ok(Number(run(countDevices, {network: 'host'}).stdout) >= 1);
  });

  test('sets the settings of its own namespaces', () => {
    const options = {sysctls: {'net.core.somaxconn': '77'}, domainname: 'example.test'};
    const script = 'cat /proc/sys/net/core/somaxconn /proc/sys/kernel/domainname; hostname';
    assert.is(run(script, options).stdout, '77\nexample.test\nbox');
  });

  test('U03 starts from an image that has symlinks in place of /dev, /proc and /sys (CVE-2026-41579)', () => {
    const canary = mkdtempSync(join(directory, 'canary-'));
    cpSync(join(directory, 'rootfs/bin'), join(directory, 'hostile/bin'), {recursive: true});
    for (const name of ['dev', 'proc', 'sys']) symlinkSync(canary, join(directory, 'hostile', name));
    assert.is(run('test -c /dev/null && test -d /proc/1 && echo fine', {}, 'hostile').stdout, 'fine');
    assert.equal(readdirSync(canary), []);
  });

  test(
    'starts the init program instead of the command',
    () => {
      const options = {initPath: join(directory, `rootfs/bin/socket-${AF_ALG}`)};
      assert.is(run(['/bin/busybox', 'true'], options).status, EPERM);
    },
    notAmd64,
  );

  test('follows a caller’s own filter', () => {
    const profile = {
      defaultAction: 'SCMP_ACT_ALLOW',
      syscalls: [{names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO'}],
    };
    const options = {securityOptions: [{name: 'seccomp', profile}]} as const;
    assert.is.not(run('mkdir /never 2>/dev/null', options).status, 0);
  });
});
