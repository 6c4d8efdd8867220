import {mkdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import * as assert from 'uvu/assert';
import {type CgroupCounters, readCgroupCounters} from '../../src/host/cgroup-counters.ts';
import type {Cgroups} from '../../src/host/cgroups.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const LEGACY = {
  'cpuacct/a/cpuacct.usage': '2500000000\n',
  'cpuacct/a/cpuacct.usage_percpu': '1500000000 1000000000 \n',
  'cpuacct/a/cpuacct.stat': 'user 200\nsystem 50\n',
  'cpu/a/cpu.stat': 'nr_periods 10\nnr_throttled 4\nthrottled_time 999\n',
  'memory/a/memory.usage_in_bytes': '9000\n',
  'memory/a/memory.max_usage_in_bytes': '9999\n',
  'memory/a/memory.stat': 'cache 1\ntotal_inactive_file 4000\n',
  'memory/a/memory.limit_in_bytes': '65536\n',
  'pids/a/pids.current': '3\n',
  'pids/a/pids.max': '100\n',
  'blkio/a/blkio.throttle.io_service_bytes': '8:0 Read 10\n8:0 Write 20\n8:0 Sync 5\n8:0 Total 30\nTotal 35\n',
};
const UNIFIED = {
  'a/cpu.stat':
    'usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnr_periods 10\nnr_throttled 4\nthrottled_usec 7\n',
  'a/memory.current': '9000\n',
  'a/memory.stat': 'anon 1\ninactive_file 4000\n',
  'a/memory.max': 'max\n',
  'a/pids.current': '3\n',
  'a/pids.max': 'max\n',
  'a/io.stat': '8:0 rbytes=10 wbytes=20 rios=1 wios=1\n8:16 wbytes=7\n',
};
const TRANSFERS = [
  {major: 8, minor: 0, operation: 'read', bytes: 10},
  {major: 8, minor: 0, operation: 'write', bytes: 20},
] as const;

describe('host/cgroup-counters', ({test}) => {
  const read = (files: Readonly<Record<string, string>>, cgroupsIn: (root: string) => Cgroups): CgroupCounters => {
    using directory = makeTemporaryDirectory();
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(directory.path, dirname(name)), {recursive: true});
      writeFileSync(join(directory.path, name), text);
    }
    return readCgroupCounters(cgroupsIn(directory.path), '/a');
  };
  const names = ['cpuacct', 'cpu', 'memory', 'pids', 'blkio'];
  const legacy = (root: string): Cgroups => ({
    version: 'hybrid',
    controllers: new Map(names.map((name) => [name, join(root, name)])),
    unified: null,
  });
  const unified = (root: string): Cgroups => ({version: 'v2', controllers: new Map(), unified: root});

  test('reads the counters of separate hierarchies', () =>
    assert.equal(read(LEGACY, legacy), {
      cpu: {
        ...{total: 2.5e9, user: 2e9, kernel: 0.5e9, perProcessor: [1.5e9, 1e9]},
        ...{periods: 10, throttledPeriods: 4, throttledTime: 999},
      },
      memory: {bytes: 9000, mostBytes: 9999, limitBytes: 65_536, statistics: {cache: 1, total_inactive_file: 4000}},
      pids: {current: 3, limit: 100},
      transfers: TRANSFERS,
    }));

  test('reads the counters of the unified hierarchy', () =>
    assert.equal(read(UNIFIED, unified), {
      cpu: {
        ...{total: 2.5e9, user: 2e9, kernel: 0.5e9, perProcessor: null},
        ...{periods: 10, throttledPeriods: 4, throttledTime: 7000},
      },
      memory: {bytes: 9000, mostBytes: null, limitBytes: null, statistics: {anon: 1, inactive_file: 4000}},
      pids: {current: 3, limit: null},
      transfers: [
        ...TRANSFERS,
        {major: 8, minor: 16, operation: 'read', bytes: 0},
        {major: 8, minor: 16, operation: 'write', bytes: 7},
      ],
    }));

  test('what is not counted is not zero', () => {
    const nothing = {cpu: null, memory: null, pids: null, transfers: null};
    assert.equal(read({}, legacy), nothing);
    assert.equal(read({}, unified), nothing);
  });
});
