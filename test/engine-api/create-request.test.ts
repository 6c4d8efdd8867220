import * as assert from 'uvu/assert';
import type {ContainerOptions, HealthOptions} from '../../src/bundle/container-options.ts';
import type {HealthCheck} from '../../src/bundle/health-check.ts';
import {createHiddenPaths} from '../../src/bundle/hidden-paths.ts';
import {toDockerContainer} from '../../src/docker-json/container.ts';
import {readCreateRequest} from '../../src/engine-api/create-request.ts';
import {isWinchError} from '../../src/errors.ts';
import {detailsOfContainer} from '../cli/commands/sample-container.ts';
import {describe} from '../helpers/suite.ts';

const AS_ROOT = {name: null, isUser: false};

describe('engine-api/create-request', ({test}) => {
  const read = (config: object, host: object = {}) =>
    readCreateRequest({Image: 'app', ...config, HostConfig: host}, AS_ROOT);

  test('takes what the docker command sends for nothing in particular', () => {
    const config = {Hostname: '', Tty: false, OpenStdin: false, StdinOnce: false, Env: null, Cmd: null, Volumes: {}};
    const host = {
      ...{Binds: null, NetworkMode: 'default', PortBindings: {}, RestartPolicy: {Name: 'no', MaximumRetryCount: 0}},
      ...{LogConfig: {Type: '', Config: {}}, IpcMode: '', PidMode: '', Memory: 0, NanoCpus: 0, PidsLimit: 0},
      ...{MemorySwappiness: -1, OomKillDisable: false, Ulimits: [], Devices: [], ConsoleSize: [0, 0]},
    };
    const {image, policy, autoRemove, container} = read(config, host);
    assert.equal([image, policy, autoRemove], ['app', 'never', undefined]);
    assert.equal(container?.network, {networks: [{name: 'bridge'}]});
    assert.equal(container?.mounts, undefined);
    const ofUser = readCreateRequest({...config, Image: 'app', HostConfig: host}, {name: 'me', isUser: true});
    assert.equal([ofUser.name, ofUser.container?.network], ['me', {stack: null}]);
  });

  test('reads process, limits, mounts, ports and health', () => {
    const {container, restart, interactive, keepsInput} = read(
      {
        ...{Cmd: ['a', 'b'], Entrypoint: 'sh', Env: ['A=b'], User: '1:2', Labels: {x: 'y'}, Tty: true, OpenStdin: true},
        ...{StopTimeout: 3, Volumes: {'/data': {}, '/v': {}}},
        Healthcheck: {Test: ['CMD-SHELL', 'true'], Interval: 2e9, Retries: 4},
      },
      {
        ...{NetworkMode: 'none', Memory: 1024, NanoCpus: 1.5e9, CapDrop: ['ALL'], Tmpfs: {'/t': 'size=1m'}},
        ...{Binds: ['/h:/c:ro', 'vol:/v'], Mounts: [{Type: 'bind', Source: '/m', Target: '/n', ReadOnly: true}]},
        PortBindings: {'80/tcp': [{HostIp: '127.0.0.1', HostPort: '8080'}], '53/udp': [{HostPort: ''}]},
        RestartPolicy: {Name: 'on-failure', MaximumRetryCount: 2},
        Ulimits: [{Name: 'nofile', Soft: 1, Hard: 2}],
      },
    );
    assert.equal([restart, interactive, keepsInput], [{name: 'on-failure', maximumRetries: 2}, true, true]);
    assert.equal(container?.entrypoint, ['sh']);
    assert.equal(container?.health, {command: 'true', intervalMs: 2000, retries: 4});
    assert.equal([container?.memoryBytes, container?.cpus, container?.network], [1024, 1.5, 'none']);
    assert.equal(container?.mounts, [
      {type: 'bind', source: '/h', target: '/c', readOnly: true, createSource: true},
      {type: 'volume', source: 'vol', target: '/v', readOnly: false},
      {type: 'bind', source: '/m', target: '/n', readOnly: true, createSource: false},
      {type: 'tmpfs', target: '/t', options: ['size=1m']},
      {type: 'volume', target: '/data'},
    ]);
    assert.equal(container?.publish, [
      {hostAddress: '127.0.0.1', hostPorts: {first: 8080, last: 8080}, containerPort: 80, protocol: 'tcp'},
      {hostAddress: null, hostPorts: null, containerPort: 53, protocol: 'udp'},
    ]);
    assert.equal(container?.ulimits, [{name: 'nofile', soft: 1, hard: 2}]);
  });

  test('reads every kind of mount with its options', () => {
    const mounts = [
      {Type: 'bind', Source: '/a', Target: '/b', BindOptions: {Propagation: 'rslave', NonRecursive: true}},
      {
        Type: 'bind',
        Source: '/a',
        Target: '/c',
        ReadOnly: true,
        BindOptions: {CreateMountpoint: true, ReadOnlyNonRecursive: true},
      },
      {Type: 'volume', Source: 'v', Target: '/d', VolumeOptions: {NoCopy: true, Labels: {x: 'y'}, Subpath: 'p'}},
      {Type: 'volume', Source: 'w', Target: '/e', VolumeOptions: {DriverConfig: {Options: {type: 'tmpfs'}}}},
      {Type: 'tmpfs', Target: '/f', TmpfsOptions: {SizeBytes: 4096, Mode: 0o700}},
      {Type: 'image', Source: 'alpine', Target: '/g', ImageOptions: {Subpath: 'etc'}},
    ];
    assert.equal(read({}, {Binds: ['/h:/i:ro,rshared', 'n:/j:nocopy', '/k'], Mounts: mounts}).container?.mounts, [
      {type: 'bind', source: '/h', target: '/i', readOnly: true, propagation: 'rshared', createSource: true},
      {type: 'volume', source: 'n', target: '/j', readOnly: false, nocopy: true},
      {type: 'volume', target: '/k', readOnly: false},
      {
        type: 'bind',
        source: '/a',
        target: '/b',
        readOnly: false,
        createSource: false,
        propagation: 'rslave',
        recursive: false,
      },
      {type: 'bind', source: '/a', target: '/c', readOnly: true, createSource: true, submounts: 'writable'},
      {type: 'volume', source: 'v', target: '/d', readOnly: false, subpath: 'p', labels: {x: 'y'}, nocopy: true},
      {
        type: 'volume',
        source: 'w',
        target: '/e',
        readOnly: false,
        mounts: {type: 'tmpfs', device: 'tmpfs', options: ''},
      },
      {type: 'tmpfs', target: '/f', readOnly: false, sizeBytes: 4096, mode: 0o700},
      {type: 'image', source: 'alpine', target: '/g', subpath: 'etc', readOnly: true},
    ]);
  });

  test('reads networks with what the container is in each, and ports that it says it has', () => {
    const {container} = read(
      {
        ...{MacAddress: '02:00:00:00:00:09', ExposedPorts: {'80/tcp': {}, '53/udp': {}}},
        NetworkingConfig: {
          EndpointsConfig: {
            front: {Aliases: ['www'], IPAMConfig: {IPv4Address: '10.1.2.3'}},
            back: {MacAddress: '02:00:00:00:00:07'},
          },
        },
      },
      {
        ...{NetworkMode: 'front', PublishAllPorts: true, Links: ['/db:store', 'cache']},
        PortBindings: {'80/tcp': [{HostPort: '8000-8010'}]},
      },
    );
    assert.equal(container?.network, {
      networks: [
        {
          ...{macAddress: '02:00:00:00:00:09', name: 'front', aliases: ['www'], addresses: ['10.1.2.3']},
          links: [
            {container: 'db', alias: 'store'},
            {container: 'cache', alias: 'cache'},
          ],
        },
        {name: 'back', macAddress: '02:00:00:00:00:07'},
      ],
    });
    assert.equal(container?.publish, [
      {hostAddress: null, hostPorts: {first: 8000, last: 8010}, containerPort: 80, protocol: 'tcp'},
      {containerPort: 53, protocol: 'udp', hostAddress: null, hostPorts: null},
    ]);
    assert.is(read({NetworkDisabled: true}).container?.network, 'none');
  });

  test('reads what keeps a container within bounds', () => {
    const {container, largestLogBytes} = read(
      {Entrypoint: ['']},
      {
        ...{CpuQuota: 50_000, CpuPeriod: 25_000, UsernsMode: 'host', VolumeDriver: 'local'},
        LogConfig: {Type: 'json-file', Config: {'max-size': '10m', 'max-file': '3'}},
        SecurityOpt: ['label=disable', 'no-new-privileges', 'seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'],
        ...{MaskedPaths: [], ReadonlyPaths: []},
      },
    );
    assert.equal([container?.cpuQuotaUs, container?.cpuPeriodUs], [50_000, 25_000]);
    assert.equal([largestLogBytes, container?.entrypoint], [10 * 2 ** 20, []]);
    assert.equal(container?.securityOptions, [
      {name: 'no-new-privileges', enabled: true},
      {name: 'seccomp', profile: {defaultAction: 'SCMP_ACT_ALLOW'}},
      {name: 'unmask', paths: 'ALL'},
    ]);
    assert.is(read({Entrypoint: []}).container?.entrypoint, undefined);
    const {maskedPaths, readonlyPaths} = createHiddenPaths({}, []);
    const hidden = {MaskedPaths: maskedPaths, ReadonlyPaths: readonlyPaths};
    assert.is(read({}, hidden).container?.securityOptions, undefined);
    const changed = {MaskedPaths: [...maskedPaths.slice(1), '/proc/mine'], ReadonlyPaths: readonlyPaths.slice(1)};
    assert.equal(read({}, changed).container?.securityOptions, [
      {name: 'mask', paths: ['/proc/mine']},
      {name: 'unmask', paths: [maskedPaths[0], readonlyPaths[0]]},
    ]);
  });

  test('reads whose namespaces it has', () => {
    const shared = {pid: 'host', ipc: 'host', uts: 'host', cgroupns: 'host'} as const;
    const host = {PidMode: 'host', IpcMode: 'host', UTSMode: 'host', CgroupnsMode: 'host'};
    const namespacesOf = ({pid, ipc, uts, cgroupns}: ContainerOptions = {}) => ({pid, ipc, uts, cgroupns});
    assert.equal(namespacesOf(read({}, host).container), shared);
    const own = {PidMode: '', IpcMode: '', UTSMode: '', CgroupnsMode: ''};
    assert.equal(namespacesOf(read({}, own).container), namespacesOf());
    assert.equal(read({}, {PidMode: 'container:web'}).container?.pid, {container: 'web'});
    assert.equal(read({}, {IpcMode: 'container:web'}).container?.ipc, {container: 'web'});
    const details = detailsOfContainer({}, {options: shared});
    const shown = toDockerContainer(details).HostConfig;
    assert.equal({...shown, ...host}, shown);
  });

  test('takes what inspect shows of a container for the same one', () => {
    const options: ContainerOptions = {
      ...{command: ['a'], entrypoint: ['b'], environment: ['X=y'], workingDirectory: '/w', user: '1', hostname: 'box'},
      ...{labels: {l: 'm'}, stopSignal: 'SIGINT', stopTimeoutSeconds: 3, terminal: true},
      ...{
        memoryBytes: 2 ** 26,
        memorySwapBytes: 2 ** 27,
        memoryReservationBytes: 2 ** 25,
        cpus: 0.5,
        cpuShares: 512,
        cpusetCpus: '0',
        cpusetMems: '0',
        memorySwappiness: 20,
        pidsLimit: 9,
      },
      ...{shmBytes: 2 ** 20, oomScoreAdjustment: 5, readOnlyRootfs: true, sysctls: {'net.a': '1'}},
      cgroupParent: '/ci/builds',
      ...{capabilitiesToAdd: ['NET_RAW'], capabilitiesToDrop: ['ALL'], groupAdd: ['5']},
      securityOptions: [
        {name: 'no-new-privileges', enabled: true},
        {name: 'mask', paths: ['/a', '/b']},
      ],
      ...{pid: {container: 'db'}, ipc: {container: 'web'}, cgroupns: 'host'},
      devices: [{source: '/dev/a', target: '/dev/b', permissions: 'r'}],
      deviceCgroupRules: ['c 13:* rwm'],
      blkioWeight: 500,
      blkioLimits: (['weight', 'read-bps', 'write-bps', 'read-iops', 'write-iops'] as const).map((kind, index) => ({
        ...{path: '/dev/a', kind},
        amount: 10 + index,
      })),
      ulimits: [{name: 'nofile', soft: 1, hard: 2}],
      mounts: [
        {type: 'bind', source: '/h', target: '/c', readOnly: true, createSource: true},
        {type: 'volume', source: 'data', target: '/v', readOnly: false},
      ],
      publish: [{hostAddress: '127.0.0.1', hostPorts: {first: 80, last: 90}, containerPort: 80, protocol: 'tcp'}],
      extraHosts: [{name: 'db', address: '10.1.2.3'}],
      dns: {servers: ['10.1.2.3'], search: ['lan']},
      network: {networks: [{name: 'shop'}]},
      health: {
        command: ['true'],
        intervalMs: 1000,
        timeoutMs: 2000,
        startPeriodMs: 3000,
        startIntervalMs: 50,
        retries: 4,
      },
    };
    const {command, ...times} = options.health as HealthOptions & {command: string[]};
    const details = detailsOfContainer(
      {image: 'app', labels: {l: 'm'}},
      {
        ...{
          options,
          environment: ['X=y'],
          workingDirectory: '/w',
          hostname: 'box',
          interactive: true,
          keepsInput: true,
        },
        healthCheck: {test: ['CMD', ...command], command, ...(times as Omit<HealthCheck, 'test' | 'command'>)},
        ...{restart: {name: 'always'}, largestLogBytes: 2 ** 20},
      },
    );
    const {Config, HostConfig} = toDockerContainer(details);
    const {container = {}, ...request} = readCreateRequest({...Config, HostConfig}, AS_ROOT);
    const {securityOptions, ...rest} = container;
    const {securityOptions: asked, ...others} = options;
    const said = Object.fromEntries(Object.entries(rest).filter(([name]) => Object.hasOwn(others, name)));
    assert.equal(said, {...others});
    assert.equal(securityOptions?.slice(0, 2), asked);
    assert.equal([request.restart, request.largestLogBytes, request.keepsInput], [{name: 'always'}, 2 ** 20, true]);
  });

  test('E02 refuses bodies of other shapes, and says what it does not take', () => {
    for (const [body, code] of [
      [null, 'BODY_INVALID'],
      [{Image: ''}, 'BODY_INVALID'],
      [{Image: 7}, 'BODY_INVALID'],
      [{Image: 'a', Env: [1]}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: []}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: {Binds: ['x']}}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: {VolumesFrom: ['b:no']}}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: {PortBindings: {'80/tcp': [{HostPort: '90-80'}]}}}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: {PortBindings: {'99999/tcp': [{}]}}}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: {PidMode: 'pod'}}, 'NOT_OFFERED'],
      [{Image: 'a', HostConfig: {LogConfig: {Type: 'syslog'}}}, 'NOT_OFFERED'],
      [{Image: 'a', HostConfig: {LogConfig: {Config: {'max-size': 'large'}}}}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: {IpcMode: 'ns:/run/a'}}, 'NOT_OFFERED'],
      [{Image: 'a', HostConfig: {ReadonlyPaths: ['/proc/mine']}}, 'NOT_OFFERED'],
      [{Image: 'a', HostConfig: {Links: ['db:a\n1.2.3.4 b']}}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: {SecurityOpt: ['seccomp=[]']}}, 'NOT_OFFERED'],
      [{Image: 'a', HostConfig: {SecurityOpt: ['seccomp={']}}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: {Binds: ['/x:/y:weird']}}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: {Mounts: [{Type: 'npipe', Target: '/x'}]}}, 'BODY_INVALID'],
      [
        {Image: 'a', HostConfig: {Mounts: [{Type: 'bind', Source: '/x', Target: '/y', VolumeOptions: {NoCopy: true}}]}},
        'BODY_INVALID',
      ],
      [
        {
          Image: 'a',
          HostConfig: {Mounts: [{Type: 'volume', Target: '/y', VolumeOptions: {DriverConfig: {Name: 'nfs'}}}]},
        },
        'NOT_OFFERED',
      ],
    ] as const) {
      assert.throws(
        () => readCreateRequest(body, AS_ROOT),
        (error: unknown) => isWinchError(error, code),
        JSON.stringify(body),
      );
    }
  });
});
