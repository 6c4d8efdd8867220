import * as assert from 'uvu/assert';
import {readProcess} from '../../src/host/process-details.ts';
import {describe} from '../helpers/suite.ts';

const NONE = 2 ** 30;

describe('host/process-details', ({test}) => {
  test('tells of this very process what Node tells', () => {
    const details = readProcess(process.pid);
    assert.equal([details?.pid, details?.parentPid, details?.userId], [process.pid, process.ppid, process.geteuid?.()]);
    assert.match(details?.command[0] ?? '', /node$/);
    const age = (Date.now() - Date.parse(details?.startedAt ?? '')) / 1000;
    assert.ok(Math.abs(age - process.uptime()) < 2, `${age} is not ${process.uptime()}`);
    const {user, system} = process.cpuUsage();
    assert.ok(Math.abs((details?.cpuSeconds ?? 0) - (user + system) / 1e6) < 1);
  });

  test('knows no process that is not there', () => assert.is(readProcess(NONE), null));
});
