import {mkdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import * as assert from 'uvu/assert';
import {type CgroupUsage, readCgroupUsage} from '../../src/host/cgroup-usage.ts';
import type {Cgroups} from '../../src/host/cgroups.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const LEGACY = {
  'cpuacct/a/cpuacct.usage': '2500000000\n',
  'memory/a/memory.usage_in_bytes': '9000\n',
  'memory/a/memory.stat': 'inactive_file 1\ntotal_inactive_file 4000\n',
  'memory/a/memory.limit_in_bytes': '65536\n',
  'pids/a/pids.current': '3\n',
  'blkio/a/blkio.throttle.io_service_bytes':
    '8:0 Read 10\n8:0 Write 20\n8:16 Read 5\n8:16 Write 0\n8:0 Total 30\nTotal 35\n',
};
const UNIFIED = {
  'a/cpu.stat': 'usage_usec 2500000\nuser_usec 1\n',
  'a/memory.current': '9000\n',
  'a/memory.stat': 'anon 1\ninactive_file 4000\n',
  'a/memory.max': '65536\n',
  'a/pids.current': '3\n',
  'a/io.stat': '8:0 rbytes=10 wbytes=20 rios=1 wios=1\n8:16 rbytes=5 wbytes=0\n',
};
const USED: CgroupUsage = {
  cpuSeconds: 2.5,
  memoryBytes: 5000,
  memoryLimitBytes: 65_536,
  pids: 3,
  readBytes: 15,
  writtenBytes: 20,
};

describe('host/cgroup-usage', ({test}) => {
  const read = (files: Readonly<Record<string, string>>, cgroupsIn: (root: string) => Cgroups): CgroupUsage => {
    using directory = makeTemporaryDirectory();
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(directory.path, dirname(name)), {recursive: true});
      writeFileSync(join(directory.path, name), text);
    }
    return readCgroupUsage(cgroupsIn(directory.path), '/a');
  };
  const legacy = (root: string): Cgroups => ({
    version: 'hybrid',
    controllers: new Map(['cpuacct', 'memory', 'pids', 'blkio'].map((name) => [name, join(root, name)])),
    unified: null,
  });
  const unified = (root: string): Cgroups => ({version: 'v2', controllers: new Map(), unified: root});

  test('reads the counters of separate hierarchies', () => assert.equal(read(LEGACY, legacy), USED));

  test('reads the counters of the unified hierarchy', () => assert.equal(read(UNIFIED, unified), USED));

  test('no limit is none', () => {
    const free = {...LEGACY, 'memory/a/memory.limit_in_bytes': '9223372036854771712\n'};
    assert.is(read(free, legacy).memoryLimitBytes, null);
    assert.is(read({...UNIFIED, 'a/memory.max': 'max\n'}, unified).memoryLimitBytes, null);
  });

  test('what is not counted is not zero', () => {
    const nothing = Object.fromEntries(Object.keys(USED).map((key) => [key, null]));
    assert.equal(read({}, legacy), nothing);
    assert.equal(read({}, unified), nothing);
  });
});
