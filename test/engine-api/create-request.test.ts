import * as assert from 'uvu/assert';
import {readCreateRequest} from '../../src/engine-api/create-request.ts';
import {isWinchError} from '../../src/errors.ts';
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

  test('E02 refuses bodies of other shapes, and says what it does not take', () => {
    for (const [body, code] of [
      [null, 'BODY_INVALID'],
      [{Image: ''}, 'BODY_INVALID'],
      [{Image: 7}, 'BODY_INVALID'],
      [{Image: 'a', Env: [1]}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: []}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: {Binds: ['/x']}}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: {PortBindings: {'99999/tcp': [{}]}}}, 'BODY_INVALID'],
      [{Image: 'a', HostConfig: {PidMode: 'host'}}, 'NOT_OFFERED'],
      [{Image: 'a', HostConfig: {LogConfig: {Type: 'syslog'}}}, 'NOT_OFFERED'],
      [{Image: 'a', HostConfig: {Binds: ['/x:/y:rshared']}}, 'NOT_OFFERED'],
    ] as const) {
      assert.throws(
        () => readCreateRequest(body, AS_ROOT),
        (error: unknown) => isWinchError(error, code),
        JSON.stringify(body),
      );
    }
  });
});
