import * as assert from 'uvu/assert';
import type {ContainerUsage} from '../../../src/containers/kept/watch-usage.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';

const USAGE: ContainerUsage = {
  id: 'a'.repeat(64),
  name: 'web',
  readAt: '2026-01-31T12:00:00.000Z',
  cpuSeconds: 3,
  busyProcessors: 0.1234,
  memoryBytes: 5_000_000,
  memoryLimitBytes: 10_000_000,
  availableMemoryBytes: 10_000_000,
  pids: 4,
  readBytes: 1000,
  writtenBytes: null,
  network: {receivedBytes: 2000, sentBytes: 30},
};

describe('cli/commands/stats', ({test}) => {
  const containersWith = (readings: readonly (readonly ContainerUsage[])[]) => ({
    stats: async function* () {
      yield* readings;
    },
  });
  const run = async (words: readonly string[], ...readings: readonly (readonly ContainerUsage[])[]) =>
    (await runWinch(['stats', ...words], {containers: containersWith(readings)})).stdout;

  test("prints docker's columns", async () => {
    const [heading, row] = (await run(['--no-stream'], [USAGE], [USAGE])).split('\n');
    assert.match(heading ?? '', /^CONTAINER ID +NAME +CPU % +MEM USAGE \/ LIMIT +MEM % +NET I\/O +BLOCK I\/O +PIDS$/);
    assert.match(row ?? '', /^a{12} +web +12\.34% +5MB \/ 10MB +50\.00% +2kB \/ 30B +1kB \/ -- +4$/);
  });

  test('prints reading after reading until there is none', async () => {
    assert.is(await run(['--format', '{{.Name}} {{.PIDs}}'], [USAGE], [{...USAGE, pids: 5}]), 'web 4\nweb 5\n');
    const lines = (await run(['--format', 'json'], [USAGE], [USAGE])).trimEnd().split('\n');
    assert.equal(
      lines.map((line) => JSON.parse(line)),
      [[USAGE], [USAGE]],
    );
  });

  test('says what is not known', async () => {
    const unknown = {...USAGE, network: null, pids: null, busyProcessors: null, memoryBytes: null};
    assert.is(await run(['--no-stream', '--format', '{{.CPUPerc}} {{.NetIO}} {{.PIDs}}'], [unknown]), '-- -- --\n');
  });
});
