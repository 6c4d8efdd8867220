import * as assert from 'uvu/assert';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {containerOf} from './sample-container.ts';

const NETWORK = {device: 'eth0', addresses: [], gateways: [], subnets: [], macAddress: null, aliases: []};
const PORT = {hostAddress: null, hostPort: 8080, containerPort: 80, protocol: 'tcp'} as const;
const WEB = containerOf({
  name: 'web',
  created: '2026-01-31T12:00:03.000Z',
  networks: [{...NETWORK, name: 'front', id: 'f'.repeat(64)}],
  ports: [PORT],
  exposed: ['443/tcp', '8000-8010', '53/udp', 'nonsense'],
  mounts: [{source: 'data', target: '/srv'}],
});
const JOB = containerOf({
  ...{id: 'c'.repeat(64), name: 'job', created: '2026-01-31T12:00:02.000Z', state: 'exited', exitCode: 3},
  ...{isRestarting: true, finishedAt: new Date(Date.now() - 5000).toISOString()},
});
const OLD = containerOf({
  ...{id: 'd'.repeat(64), name: 'old', created: '2026-01-31T12:00:01.000Z', state: 'exited', exitCode: 0},
});

describe('cli/commands/ps filters', ({test}) => {
  const ps = (...words: readonly string[]) =>
    runWinch(['ps', ...words], {containers: {list: async () => [WEB, JOB, OLD]}});
  const namesOf = async (...filters: readonly string[]) => {
    const words = filters.flatMap((filter) => ['--filter', filter]);
    return (await ps('--format', '{{.Names}}', ...words)).stdout.trimEnd().split('\n').join(' ');
  };

  test('shows what starts again by itself among those that run', async () => {
    const {stdout} = await ps('--format', '{{.Names}} {{.State}} {{.Status}} {{.Mounts}}');
    assert.is(stdout, 'web running Up 2 minutes data\njob restarting Restarting (3) 5 seconds ago \n');
  });

  test("goes by docker's filters", async () => {
    for (const [filters, names] of [
      [['status=restarting'], 'job'],
      [['exited=0'], 'old'],
      [['exited=3'], 'job'],
      [['before=web', 'status=exited'], 'old'],
      [['since=old'], 'web job'],
      [[`since=${'d'.repeat(12)}`], 'web job'],
      [['volume=data'], 'web'],
      [['volume=/srv'], 'web'],
      [['volume=/other'], ''],
      [['network=front'], 'web'],
      [['network=ffff'], 'web'],
      [['publish=8080'], 'web'],
      [['publish=8000-8100/tcp'], 'web'],
      [['publish=8080/udp'], ''],
      [['publish=80'], ''],
      [['publish=443'], ''],
      [['expose=80'], 'web'],
      [['expose=443/tcp'], 'web'],
      [['expose=443/udp'], ''],
      [['expose=53/udp'], 'web'],
      [['expose=8010-8020'], 'web'],
      [['expose=8011-8020'], ''],
      [['expose=8080'], ''],
    ] as const) {
      assert.is(await namesOf(...filters), names, filters.join(' '));
    }
  });

  test('refuses what cannot be', async () => {
    assert.is((await ps('--filter', 'exited=x')).code, 2);
    const {code, stderr} = await ps('--filter', 'before=nobody');
    assert.equal([code, stderr.includes('nobody')], [4, true], stderr);
  });
});
