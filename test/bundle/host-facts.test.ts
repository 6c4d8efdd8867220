import {execFileSync} from 'node:child_process';
import * as assert from 'uvu/assert';
import {parseHardLimits, readHostFacts} from '../../src/bundle/host-facts.ts';
import {describe} from '../helpers/suite.ts';

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max core file size        0                    unlimited            bytes
Max processes             96365                96365                processes
Max open files            1024                 20000                files
Max msgqueue size         819200               819200               bytes
Max nice priority         0                    0
Max realtime timeout      unlimited            unlimited            us
`;

describe('bundle/host-facts', ({test}) => {
  test('reads hard limits by the names of ulimit', () => {
    assert.equal(parseHardLimits(LIMITS), {
      cpu: Infinity,
      core: Infinity,
      nproc: 96_365,
      nofile: 20_000,
      msgqueue: 819_200,
      nice: 0,
      rttime: Infinity,
    });
  });

  test('describes this machine', () => {
    const {architecture, kernel, capabilities, cgroup, sensitivePaths} = readHostFacts();
    assert.is(architecture, process.arch === 'x64' ? 'amd64' : process.arch);
    assert.is(`${kernel}\n`, execFileSync('uname', ['-r'], {encoding: 'utf8'}));
    assert.ok(capabilities.every((name) => /^CAP_[A-Z_]+$/.test(name)));
    assert.ok(['v1', 'v2', 'hybrid'].includes(cgroup.version));
    assert.ok(sensitivePaths.every((path) => path.endsWith('/thermal_throttle')));
  });
});
