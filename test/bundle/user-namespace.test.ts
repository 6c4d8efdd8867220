import * as assert from 'uvu/assert';
import {adaptToUserNamespace} from '../../src/bundle/user-namespace.ts';
import type {RuntimeSpec} from '../../src/oci/runtime-spec.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const NO_CAPABILITIES = {bounding: [], effective: [], permitted: [], inheritable: [], ambient: []};

const specOf = (user: RuntimeSpec['process']['user'], sysctl?: Record<string, string>): RuntimeSpec => ({
  ociVersion: '1.0.2',
  process: {user, args: ['true'], env: [], cwd: '/', capabilities: NO_CAPABILITIES, noNewPrivileges: true},
  root: {path: 'rootfs', readonly: false},
  mounts: [
    {destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid']},
    {destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'ro']},
    {destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'gid=5']},
  ],
  linux: {resources: {devices: []}, namespaces: [{type: 'pid'}], cgroupsPath: '/winch-1', ...(sysctl && {sysctl})},
});

const ALONE = {uids: [{inside: 0, count: 1}], gids: [{inside: 0, count: 1}]};
const MANY = {
  uids: [{inside: 0, count: 65_537}],
  gids: [
    {inside: 0, count: 1},
    {inside: 1, count: 65_536},
  ],
};
const ROOT = {uid: 0, gid: 0, additionalGids: [0, 5, 70_000]};

describe('bundle/user-namespace', ({test}) => {
  test("binds the machine's /sys with all that is mounted there, read-only", () => {
    const {mounts} = adaptToUserNamespace(specOf(ROOT), MANY);
    assert.equal(mounts[1], {
      destination: '/sys',
      type: 'bind',
      source: '/sys',
      options: ['rbind', 'nosuid', 'noexec', 'nodev', 'rro'],
    });
    assert.equal(mounts[0], specOf(ROOT).mounts[0]);
  });

  test('refuses processes of others, which nothing but a cgroup would end with it', () => {
    const {linux, ...spec} = specOf(ROOT);
    const codeWith = (namespaces: RuntimeSpec['linux']['namespaces']) =>
      codeOf(() => adaptToUserNamespace({...spec, linux: {...linux, namespaces}}, MANY));
    assert.is(codeWith([{type: 'ipc'}]), 'NAMESPACE_UNSUPPORTED');
    assert.is(codeWith([{type: 'pid', path: '/proc/7/ns/pid'}]), 'NAMESPACE_UNSUPPORTED');
    assert.is(codeWith([{type: 'pid'}]), null);
  });

  test('leaves the directory of the message queues out that belong to the machine', () => {
    const {linux, ...spec} = specOf(ROOT);
    const mounts = [{destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: []}];
    const countWith = (namespaces: RuntimeSpec['linux']['namespaces']) =>
      adaptToUserNamespace({...spec, mounts, linux: {...linux, namespaces}}, MANY).mounts.length;
    assert.is(countWith([{type: 'pid'}]), 0);
    assert.is(countWith([{type: 'pid'}, {type: 'ipc'}]), 1);
  });

  test('leaves groups out that the namespace lacks', () => {
    const many = adaptToUserNamespace(specOf(ROOT), MANY);
    assert.equal(many.process.user.additionalGids, [0, 5]);
    assert.equal(many.mounts[2]?.options, ['newinstance', 'gid=5']);
    const alone = adaptToUserNamespace(specOf(ROOT), ALONE);
    assert.equal(alone.process.user.additionalGids, [0]);
    assert.equal(alone.mounts[2]?.options, ['newinstance']);
  });

  test('lets those groups ping that there are', () => {
    const ping = (range: string, maps: typeof MANY) =>
      adaptToUserNamespace(specOf(ROOT, {'net.ipv4.ping_group_range': range, a: 'b'}), maps).linux.sysctl;
    assert.equal(ping('0 2147483647', MANY), {'net.ipv4.ping_group_range': '0 65536', a: 'b'});
    assert.equal(ping('0 2147483647', ALONE), {'net.ipv4.ping_group_range': '0 0', a: 'b'});
    assert.equal(ping('3 4', MANY), {'net.ipv4.ping_group_range': '3 4', a: 'b'});
    assert.not('sysctl' in adaptToUserNamespace(specOf(ROOT), MANY).linux);
  });

  test('makes no cgroup', () => {
    assert.not('cgroupsPath' in adaptToUserNamespace(specOf(ROOT), MANY).linux);
  });

  test('refuses users and groups that there are not', () => {
    const codes = [
      {uid: 1, gid: 0},
      {uid: 0, gid: 1},
    ].map((user) => codeOf(() => adaptToUserNamespace(specOf(user), ALONE)));
    assert.equal(codes, ['USER_UNMAPPED', 'USER_UNMAPPED']);
    assert.is(adaptToUserNamespace(specOf({uid: 65_536, gid: 1}), MANY).process.user.uid, 65_536);
  });
});
