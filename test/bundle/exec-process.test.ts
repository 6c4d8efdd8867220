import * as assert from 'uvu/assert';
import {formatRuntimeSpec, parseRuntimeSpec} from '../../src/bundle/create-bundle.ts';
import {createExecProcess, type ExecOptions, type ExecUser} from '../../src/bundle/exec-process.ts';
import type {RuntimeProcess, RuntimeSpec} from '../../src/oci/runtime-spec.ts';
import {messageOf} from '../cli/message-of.ts';
import {describe} from '../helpers/suite.ts';

const CAPABILITIES = {
  bounding: ['CAP_KILL'],
  effective: ['CAP_KILL'],
  permitted: ['CAP_KILL'],
  inheritable: [],
  ambient: [],
};
const FIRST: RuntimeProcess = {
  terminal: true,
  consoleSize: {height: 24, width: 80},
  user: {uid: 0, gid: 0, additionalGids: [0]},
  args: ['/dev/init', '--', 'server'],
  env: ['PATH=/bin', 'HOME=/root', 'A=1'],
  cwd: '/srv',
  capabilities: CAPABILITIES,
  rlimits: [{type: 'RLIMIT_CORE', soft: 2n ** 64n - 1n, hard: 2n ** 64n - 1n}],
  noNewPrivileges: true,
  apparmorProfile: 'strict',
};
const ALICE: ExecUser = {uid: 1000, gid: 1000, additionalGids: [1000, 50], home: '/home/alice', homeBefore: '/root'};

const create = (
  options: Partial<ExecOptions>,
  {user = null, container = FIRST}: {user?: ExecUser | null; container?: RuntimeProcess} = {},
) =>
  createExecProcess({
    terminalSize: null,
    container,
    user,
    options: {command: ['ls'], ...options},
    capabilities: ['CAP_KILL', 'CAP_SYSLOG'],
  });

describe('bundle/exec-process', ({test}) => {
  test('is the first process with another command, without its terminal', () => {
    const {consoleSize: _, ...rest} = FIRST;
    assert.equal(create({}), {...rest, terminal: false, args: ['ls']});
  });

  test('variables of the caller win, and a terminal has a name', () => {
    assert.equal(create({environment: ['A=2', 'B=3', 'B=4']}).env, ['PATH=/bin', 'HOME=/root', 'A=2', 'B=4']);
    assert.equal(create({terminal: true}).env[0], 'TERM=xterm');
    const named = create({terminal: true}, {container: {...FIRST, env: ['TERM=vt100']}});
    assert.equal([named.terminal, named.env], [true, ['TERM=vt100']]);
    assert.match(
      messageOf(() => create({environment: ['B']})),
      'ENVIRONMENT_INVALID',
    );
  });

  test('another user has a home of its own, unless the container was given one', () => {
    const {user, env} = create({}, {user: ALICE});
    assert.equal([user.uid, user.additionalGids, env[1]], [1000, [1000, 50], 'HOME=/home/alice']);
    const given = {...FIRST, env: ['HOME=/data']};
    assert.equal(create({}, {user: ALICE, container: given}).env, ['HOME=/data']);
    assert.equal(create({environment: ['HOME=/mine']}, {user: ALICE}).env[1], 'HOME=/mine');
  });

  test('a working directory starts from that of the container', () => {
    const rows = [
      ['/tmp', '/tmp'],
      ['sub/../data', '/srv/data'],
      ['..', '/'],
    ] as const;
    for (const [workingDirectory, cwd] of rows) assert.is(create({workingDirectory}).cwd, cwd);
    assert.match(
      messageOf(() => create({workingDirectory: '/proc/self/fd/7'})),
      'WORKING_DIRECTORY_INVALID',
    );
  });

  test('privileged, it has all capabilities and no profile', () => {
    const {capabilities, noNewPrivileges, apparmorProfile} = create({privileged: true});
    assert.equal([capabilities.effective, capabilities.ambient], [['CAP_KILL', 'CAP_SYSLOG'], []]);
    assert.equal([noNewPrivileges, apparmorProfile], [false, undefined]);
  });

  test('numbers of 64 bits are read as they were written', () => {
    const spec = {process: FIRST, mounts: [], linux: {resources: {devices: [], memory: {limit: 1024, swap: -1}}}};
    assert.equal(parseRuntimeSpec(formatRuntimeSpec(spec as unknown as RuntimeSpec)), spec as unknown as RuntimeSpec);
  });
});
