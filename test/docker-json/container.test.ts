import * as assert from 'uvu/assert';
import {toDockerContainer} from '../../src/docker-json/container.ts';
import {detailsOfContainer} from '../cli/commands/sample-container.ts';
import {describe} from '../helpers/suite.ts';

const ANONYMOUS = 'ef'.repeat(32);

describe('docker-json/container', ({test}) => {
  test('shows what is mounted, and what was asked for', () => {
    const {Mounts, HostConfig, Config} = toDockerContainer(
      detailsOfContainer(
        {},
        {
          options: {
            mounts: [
              {type: 'bind', source: '/h', target: '/c', readOnly: true, createSource: true, propagation: 'rslave'},
              {type: 'bind', source: '/m', target: '/n', readOnly: false, createSource: false},
              {type: 'volume', source: 'data', target: '/v', nocopy: true},
              {type: 'volume', source: ANONYMOUS, target: '/a'},
              {type: 'tmpfs', target: '/t', options: ['size=1m']},
              {type: 'tmpfs', target: '/u', readOnly: false, sizeBytes: 4096},
            ],
            volumesFrom: [{container: 'other', readOnly: true}],
          },
          volumeDirectories: {data: '/store/data', [ANONYMOUS]: '/store/anonymous'},
        },
      ),
    );
    const shown = Mounts?.map(({Type, Source, Destination, RW}) => [Type, Source, Destination, RW]);
    assert.equal(shown, [
      ['bind', '/h', '/c', false],
      ['bind', '/m', '/n', true],
      ['volume', '/store/data', '/v', true],
      ['volume', '/store/anonymous', '/a', true],
      ['tmpfs', '', '/u', true],
    ]);
    assert.equal(HostConfig?.Binds, ['/h:/c:ro,rslave', 'data:/v:nocopy']);
    assert.equal(HostConfig?.Tmpfs, {'/t': 'size=1m'});
    assert.equal(HostConfig?.Mounts, [
      {Type: 'bind', Source: '/m', Target: '/n'},
      {Type: 'tmpfs', Target: '/u'},
    ]);
    assert.equal([HostConfig?.VolumesFrom, Config.Volumes], [['other:ro'], {'/a': {}}]);
  });

  test('shows ports that are published, to be published, or exposed alone', () => {
    const network = {
      ...{name: 'shop', id: 'ab'.repeat(32), device: 'eth0', macAddress: null, aliases: []},
      ...{addresses: ['10.1.2.2'], gateways: ['10.1.2.1'], subnets: ['10.1.2.0/24']},
    };
    const port = {hostAddress: null, containerPort: 80, protocol: 'tcp'} as const;
    const {Config, HostConfig, NetworkSettings} = toDockerContainer({
      ...detailsOfContainer(
        {networks: [network], ports: [{...port, hostPort: 8081}]},
        {options: {publish: [{...port, hostPorts: {first: 8080, last: 8090}}], network: {networks: [{name: 'shop'}]}}},
      ),
      imageConfig: {ExposedPorts: {'443/tcp': {}}},
    });
    assert.equal(Config.ExposedPorts, {'443/tcp': {}, '80/tcp': {}});
    assert.equal(HostConfig?.PortBindings, {'80/tcp': [{HostIp: '', HostPort: '8080-8090'}]});
    assert.equal(NetworkSettings.Ports, {'443/tcp': null, '80/tcp': [{HostIp: '0.0.0.0', HostPort: '8081'}]});
    assert.is(HostConfig?.NetworkMode, 'shop');
    assert.equal(NetworkSettings.Networks.shop?.DNSNames, ['web', 'a'.repeat(12)]);
  });
});
