import * as assert from 'uvu/assert';
import {readArguments} from '../../../src/cli/arguments/read-arguments.ts';
import {ISOLATION_FLAGS, parseIsolation} from '../../../src/cli/options/isolation.ts';
import {describe} from '../../helpers/suite.ts';
import {environmentOf} from '../environment-of.ts';
import {messageOf} from '../message-of.ts';

describe('cli/options/isolation', ({test}) => {
  const parse = (line: string) =>
    parseIsolation(readArguments(line.split(' '), ISOLATION_FLAGS, {commandName: 'winch run'}).values, environmentOf());

  test('reads whose namespaces it has', () => {
    const host = {pid: 'host', ipc: 'host', uts: 'host', cgroupns: 'host'} as const;
    assert.equal(parse('--pid host --ipc host --uts host --cgroupns host'), host);
    assert.equal(parse('--pid container:web --ipc none --uts private --cgroupns private'), {
      ...{pid: {container: 'web'}, ipc: 'none', cgroupns: 'private'},
    });
    assert.equal(parse('--pid private'), {});
    assert.equal(parse('--pid ns:/run/a'), {pid: {namespace: '/run/a'}});
    for (const ipc of ['private', 'shareable', 'none', 'host'] as const) assert.equal(parse(`--ipc ${ipc}`), {ipc});
    assert.equal(parse('--ipc container:web'), {ipc: {container: 'web'}});
    assert.equal(parse('--ipc='), {});
  });

  test('refuses other words for them', () => {
    assert.match(
      messageOf(() => parse('--pid pod')),
      'FLAG_INVALID: --pid: "pod" is neither host nor container:NAME',
    );
    for (const line of ['--ipc container:', '--ipc ns:/run/a', '--ipc shared', '--uts web', '--cgroupns none']) {
      assert.match(
        messageOf(() => parse(line)),
        'FLAG_INVALID',
      );
    }
  });
});
