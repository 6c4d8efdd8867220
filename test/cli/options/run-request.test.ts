import * as assert from 'uvu/assert';
import {readArguments} from '../../../src/cli/arguments/read-arguments.ts';
import {parseRunRequest, RUN_FLAGS} from '../../../src/cli/options/run-request.ts';
import type {ImageToRun} from '../../../src/containers/image-to-run.ts';
import {describe} from '../../helpers/suite.ts';
import {environmentOf} from '../environment-of.ts';
import {messageOf} from '../message-of.ts';

const parse = (line: string, environment = environmentOf()) => {
  const {values, positionals} = readArguments(line.split(' '), RUN_FLAGS, {
    commandName: 'winch run',
    stopsAtPositional: true,
  });
  return parseRunRequest(values, positionals, environment);
};

const containerOf = (line: string, userId = 0) => parse(`${line} alpine`, environmentOf({userId})).container;

describe('cli/options/run-request', ({test}) => {
  test('asks for little by default', () => {
    assert.equal(parse('alpine'), {image: 'alpine', policy: 'missing', container: {network: 'host'}});
  });

  test('takes what follows the image as the command', () => {
    assert.equal(parse('--rm alpine sh -c true').container, {command: ['sh', '-c', 'true'], network: 'host'});
  });

  test('reads the life of the container', () => {
    assert.equal(parse('-i --name a --timeout 5m --runtime crun --platform linux/arm64 --pull never alpine'), {
      interactive: true,
      name: 'a',
      timeoutSeconds: 300,
      runtime: 'crun',
      image: 'alpine',
      platform: 'linux/arm64',
      policy: 'never',
      container: {network: 'host'},
    });
  });

  test('reads what goes in and what comes out', () => {
    const {copyIn, copyOut} = parse(
      '--copy-in a:b/.:/work/ --copy-in /x:/y --copy-out /work/dist:out/. alpine',
    ) as ImageToRun;
    assert.equal(copyIn, [
      {source: '/work/here/a:b/.', directory: '/work'},
      {source: '/x', directory: '/y'},
    ]);
    assert.equal(copyOut, [{path: '/work/dist', destination: '/work/here/out/.'}]);
    for (const flag of [
      '--copy-in=a',
      '--copy-in=:/x',
      '--copy-in=a:/',
      '--copy-out=a:b',
      '--copy-out=/a',
      '--copy-out=/a:',
    ]) {
      assert.match(
        messageOf(() => parse(`${flag} alpine`)),
        /is not/,
      );
    }
    assert.match(
      messageOf(() => parse('--bundle b --copy-in a:/b')),
      '--copy-in does not go with --bundle',
    );
  });

  test('reads flags of the process', () => {
    const line = '-e A=b -w /srv -u 1:2 --group-add 3 --entrypoint sh -t --stop-signal INT --annotation a=b -l c';
    const {annotations, labels, ...container} = containerOf(line) ?? {};
    assert.equal(container, {
      entrypoint: ['sh'],
      environment: ['A=b'],
      workingDirectory: '/srv',
      user: '1:2',
      groupAdd: ['3'],
      terminal: true,
      stopSignal: 'INT',
      network: 'host',
    });
    assert.equal({...annotations}, {a: 'b'});
    assert.equal({...labels}, {c: ''});
  });

  test('takes an empty entrypoint for none', () => {
    assert.equal(containerOf('--entrypoint=')?.entrypoint, []);
  });

  test('reads files, in the order of the kinds', () => {
    assert.equal(containerOf('--tmpfs /t -v /a:/b --read-only --shm-size 1m --device /dev/fuse'), {
      mounts: [
        {type: 'bind', source: '/a', target: '/b', readOnly: false, createSource: true},
        {type: 'tmpfs', target: '/t'},
      ],
      readOnlyRootfs: true,
      shmBytes: 1_048_576,
      devices: [{source: '/dev/fuse', target: '/dev/fuse', permissions: 'rwm'}],
      network: 'host',
    });
  });

  test('reads the network', () => {
    const line =
      '--net none -h box --domainname d --add-host db:10.0.0.7 --add-host v6=[::1] --dns 1.1.1.1 --dns-opt x';
    assert.equal(containerOf(line), {
      network: 'none',
      hostname: 'box',
      domainname: 'd',
      extraHosts: [
        {name: 'db', address: '10.0.0.7'},
        {name: 'v6', address: '::1'},
      ],
      dns: {servers: ['1.1.1.1'], options: ['x']},
    });
    assert.equal(containerOf('--add-host v6:::1')?.extraHosts, [{name: 'v6', address: '::1'}]);
  });

  test('takes the usual network where none is asked for', () => {
    const networkOf = (usual: string, line: string) =>
      parse(`${line} alpine`, environmentOf({userId: 0, variables: {WINCH_NETWORK: usual}})).container?.network;
    assert.is(networkOf('', '--rm'), 'host');
    assert.is(networkOf('none', '--rm'), 'none');
    assert.is(networkOf('none', '--network host'), 'host');
    assert.equal(networkOf('web', '-p 80'), {networks: [{name: 'web', aliases: []}]});
    assert.equal(networkOf('pasta', '-p 80'), {stack: 'pasta'});
    for (const usual of ['none', 'host', 'container:db', 'ns:/run/netns/a'])
      assert.equal(networkOf(usual, '-p 80'), {networks: [{name: 'bridge', aliases: []}]}, usual);
  });

  test('reads the networks that are joined', () => {
    assert.equal(containerOf('--network web')?.network, {networks: [{name: 'web', aliases: []}]});
    assert.equal(containerOf('-p 8080:80')?.network, {networks: [{name: 'bridge', aliases: []}]});
    assert.equal(containerOf('--network default -P'), {
      network: {networks: [{name: 'bridge', aliases: []}]},
      publishAll: true,
    });
    const line =
      '--network name=web,alias=a,ip6=fd00::2 --network db --network-alias b --mac-address 02:00:00:00:00:01';
    assert.equal(containerOf(line)?.network, {
      networks: [
        {name: 'web', aliases: ['a', 'b'], addresses: ['fd00::2'], macAddress: '02:00:00:00:00:01'},
        {name: 'db', aliases: ['b']},
      ],
    });
    assert.equal(containerOf('--network web --ip 10.0.0.5')?.network, {
      networks: [{name: 'web', aliases: [], addresses: ['10.0.0.5']}],
    });
    assert.equal(containerOf('--network container:web')?.network, {container: 'web'});
    assert.equal(containerOf('--network ns:/run/netns/a')?.network, {namespace: '/run/netns/a'});
  });

  test('gives a container of a user a network of its own where root would join the default one', () => {
    for (const line of ['-p 8080:80', '--network bridge', '--network default -P']) {
      assert.equal(containerOf(line, 1000)?.network, {stack: null}, line);
    }
    for (const userId of [0, 1000]) {
      assert.equal(containerOf('--network pasta -p 80', userId)?.network, {stack: 'pasta'});
      assert.equal(containerOf('--network slirp4netns', userId)?.network, {stack: 'slirp4netns'});
    }
    assert.is(containerOf('', 1000)?.network, 'host');
    assert.equal(containerOf('--network web', 1000)?.network, {networks: [{name: 'web', aliases: []}]});
    assert.match(
      messageOf(() => parse('--network pasta --ip 10.0.0.5 alpine')),
      /--ip does not go with --network pasta/,
    );
  });

  test('reads limits', () => {
    const line =
      '-m 64m --memory-reservation 32m --memory-swap -1 --cpus 1.5 -c 512 --cpuset-cpus 0-1 --pids-limit 9 --oom-score-adj -5';
    assert.equal(containerOf(`${line} --ulimit nofile=1:2 --cgroup-parent /ci`), {
      network: 'host',
      memoryBytes: 64 * 1024 ** 2,
      memorySwapBytes: -1,
      memoryReservationBytes: 32 * 1024 ** 2,
      cpus: 1.5,
      cpuShares: 512,
      cpusetCpus: '0-1',
      pidsLimit: 9,
      ulimits: [{name: 'nofile', soft: 1, hard: 2}],
      oomScoreAdjustment: -5,
      cgroupParent: '/ci',
    });
    assert.not('cgroupParent' in (containerOf('--cgroup-parent=') ?? {}));
  });

  test('publishes with all what is exposed, unless it is published already', () => {
    const publishedBy = (line: string) =>
      containerOf(line)?.publish?.map(({containerPort, protocol, hostPorts}) => [
        containerPort,
        protocol,
        hostPorts?.first,
      ]);
    assert.is(publishedBy('--expose 80'), undefined);
    assert.equal(publishedBy('--expose 80 --expose 53-54/udp -p 8080:80 -P'), [
      [80, 'tcp', 8080],
      [53, 'udp', undefined],
      [54, 'udp', undefined],
    ]);
  });

  test('reads a quota, a period, nodes of memory and swappiness', () => {
    const line = '--cpu-quota 25000 --cpu-period 50000 --cpuset-mems 0 --memory-swappiness 10';
    const {network: _, ...container} = containerOf(line) ?? {};
    assert.equal(container, {cpuQuotaUs: 25_000, cpuPeriodUs: 50_000, cpusetMems: '0', memorySwappiness: 10});
  });

  test('reads limits of block I/O and rules for devices', () => {
    const {network: _, ...container} =
      containerOf(
        '--blkio-weight 500 --blkio-weight-device /dev/a:100 --device-read-bps /dev/a:1mb --device-read-bps /dev/b:2k --device-write-bps /dev/a:7 --device-read-iops /dev/by:id:9 --device-write-iops /dev/a:4294967295',
      ) ?? {};
    assert.equal(container, {
      blkioWeight: 500,
      blkioLimits: [
        {path: '/dev/a', kind: 'weight', amount: 100},
        {path: '/dev/a', kind: 'read-bps', amount: 2 ** 20},
        {path: '/dev/b', kind: 'read-bps', amount: 2048},
        {path: '/dev/a', kind: 'write-bps', amount: 7},
        {path: '/dev/by:id', kind: 'read-iops', amount: 9},
        {path: '/dev/a', kind: 'write-iops', amount: 2 ** 32 - 1},
      ],
    });
    const wrong = ['--blkio-weight 9', '--blkio-weight-device /dev/a:1001', '--device-read-bps /dev/a:0'];
    for (const line of [
      ...wrong,
      '--device-write-bps dev:1m',
      '--device-read-iops /dev/a',
      '--device-write-iops /dev/a:1.5',
    ]) {
      assert.match(
        messageOf(() => parse(`${line} alpine`)),
        'FLAG_INVALID: --',
      );
    }
    assert.match(
      messageOf(() => parse('--device-cgroup-rule c alpine')),
      'DEVICE_INVALID',
    );
  });

  test('reads isolation', () => {
    const {sysctls, ...container} =
      containerOf('--cap-add A --cap-add B --cap-drop ALL --privileged --sysctl a=1 --security-opt mask=/x') ?? {};
    assert.equal(container, {
      network: 'host',
      capabilitiesToAdd: ['A', 'B'],
      capabilitiesToDrop: ['ALL'],
      privileged: true,
      securityOptions: [{name: 'mask', paths: ['/x']}],
    });
    assert.equal({...sysctls}, {a: '1'});
  });

  test('runs a bundle instead of an image', () => {
    assert.equal(parse('--bundle dir -i -t --timeout 1', environmentOf({stdinIsTerminal: () => true})), {
      bundle: 'dir',
      interactive: true,
      timeoutSeconds: 1,
      container: {terminal: true},
    });
    assert.equal(parse('-b dir'), {bundle: 'dir'});
  });

  test('refuses what a bundle settles by itself', () => {
    assert.match(
      messageOf(() => parse('--bundle dir -e A=b')),
      'FLAGS_CONFLICT: --env does not go with --bundle',
    );
    assert.match(
      messageOf(() => parse('--bundle dir alpine')),
      'FLAGS_CONFLICT: "alpine" does not go with --bundle',
    );
  });

  const bad: readonly (readonly [string, string])[] = [
    ['--rm', 'FLAGS_CONFLICT: winch run needs an image: write winch run IMAGE'],
    ['--network host --network web alpine', 'FLAGS_CONFLICT: --network host does not go with another network'],
    ['--network host -p 80 alpine', 'FLAGS_CONFLICT: --publish does not go with --network host'],
    ['--ip 10.0.0.2 alpine', "FLAGS_CONFLICT: --ip does not go with the machine's own network"],
    ['--network name=web,ip=x alpine', 'FLAG_INVALID: --network: "name=web,ip=x": "x" is no address'],
    ['--network a/b alpine', '"a/b" cannot be the name of a network'],
    ['--network web --mac-address 1 alpine', 'FLAG_INVALID: --mac-address: "1" is no hardware address'],
    ['--timeout 0 alpine', 'FLAG_INVALID: --timeout: "0" is not a time'],
    ['--timeout 1d alpine', '--timeout 90, 90s, 5m or 1h'],
    ['--timeout 1000h alpine', 'below 24 days'],
    ['--memory-swap 1g alpine', 'FLAGS_CONFLICT: --memory-swap needs --memory'],
    ['-m 2g --memory-swap 1g alpine', 'FLAGS_CONFLICT: --memory-swap is smaller than --memory'],
    ['--cpu-shares 1 alpine', 'FLAG_INVALID: --cpu-shares'],
    ['--cpus 1 --cpu-quota 1000 alpine', 'FLAGS_CONFLICT: --cpus does not go with --cpu-quota'],
    ['--cpu-period 1 alpine', 'FLAG_INVALID: --cpu-period'],
    ['--memory-swappiness 101 alpine', 'from 0 to 100'],
    ['--oom-score-adj 1001 alpine', 'from -1000 to 1000'],
    ['--expose 8080:80 -P alpine', 'FLAG_INVALID: --expose: "8080:80" is no port'],
    ['--expose 70000 -P alpine', 'FLAG_INVALID: --expose: "70000" is no port'],
    ['--expose 80/x -P alpine', 'FLAG_INVALID: --expose: "80/x" is no port'],
    ['--add-host db alpine', 'is not NAME:ADDRESS'],
    ['-it alpine', 'TERMINAL_MISSING: standard input is not a terminal'],
  ];
  for (const [line, problem] of bad) {
    test(`refuses winch run ${line}`, () =>
      assert.match(
        messageOf(() => parse(line)),
        problem,
      ));
  }
});
