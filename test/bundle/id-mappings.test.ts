import * as assert from 'uvu/assert';
import {requireIdMappings, translateOwners, withIdMappings} from '../../src/bundle/id-mappings.ts';
import {findHostId} from '../../src/oci/id-mappings.ts';
import type {RuntimeSpec} from '../../src/oci/runtime-spec.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const range = (containerID: number, hostID: number, size: number) => ({containerID, hostID, size});
const check = (...uids: readonly ReturnType<typeof range>[]) => requireIdMappings({uids, gids: [range(0, 0, 1)]});

const NO_CAPABILITIES = {bounding: [], effective: [], inheritable: [], permitted: [], ambient: []};

describe('bundle/id-mappings', ({test}) => {
  test('finds the id of the host in whichever range has it', () => {
    const ranges = [range(0, 1000, 1), range(1, 100_000, 65_535)];
    const found = [0, 1, 65_535, 65_536].map((id) => findHostId(ranges, id));
    assert.equal(found, [1000, 100_000, 165_534, null]);
  });

  test('takes what the kernel takes', () => {
    check(range(0, 1000, 1), range(1, 100_000, 65_535));
    check(range(0, 0, 2 ** 32 - 1));
    check(...Array.from({length: 340}, (_, index) => range(index, 1000 + index, 1)));
  });

  const refused: Readonly<Record<string, readonly ReturnType<typeof range>[]>> = {
    'no range': [],
    'more ranges than the kernel takes': Array.from({length: 341}, (_, index) => range(index, 1000 + index, 1)),
    'an id of the container twice': [range(0, 1000, 2), range(1, 2000, 1)],
    'an id of the host twice': [range(0, 1000, 2), range(5, 1001, 1)],
    'an empty range': [range(0, 1000, 0)],
    'an id that is none': [range(2 ** 32 - 1, 0, 1)],
    'a range that goes beyond all ids': [range(0, 2 ** 32 - 2, 2)],
    'half an id': [range(0.5, 0, 1)],
  };
  for (const [what, ranges] of Object.entries(refused)) {
    test(`refuses ${what}`, () =>
      assert.is(
        codeOf(() => check(...ranges)),
        'ID_MAPPING_INVALID',
      ));
  }

  test('translates owners both ways, and who is not there is nobody', () => {
    const {toHost, toContainer} = translateOwners({
      uids: [range(0, 1000, 1), range(1, 5000, 9)],
      gids: [range(0, 70, 10)],
    });
    assert.equal(toHost({uid: 3, gid: 9}), {uid: 5002, gid: 79});
    assert.equal(toContainer({uid: 5002, gid: 79}), {uid: 3, gid: 9});
    assert.equal(toContainer({uid: 0, gid: 80}), {uid: 65_534, gid: 65_534});
    assert.is(
      codeOf(() => toHost({uid: 10, gid: 0})),
      'OWNER_UNMAPPED',
    );
  });

  const specWith = (namespaces: RuntimeSpec['linux']['namespaces']): RuntimeSpec => ({
    ociVersion: '1.0.2',
    process: {
      user: {uid: 0, gid: 0},
      args: ['true'],
      env: [],
      cwd: '/',
      terminal: false,
      noNewPrivileges: true,
      capabilities: NO_CAPABILITIES,
    },
    root: {path: 'rootfs', readonly: false},
    mounts: [{destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['ro']}],
    linux: {namespaces, cgroupsPath: '/own', resources: {devices: []}},
  });
  const mappings = {uids: [range(0, 1000, 10)], gids: [range(0, 1000, 10)]};
  const PID = {type: 'pid'} as const;

  test('keeps the cgroup, and has a sysfs of its own with a network that is its own', () => {
    const made = withIdMappings(specWith([PID, {type: 'network'}]), mappings);
    assert.equal(
      [made.linux.cgroupsPath, made.mounts[0]?.type, made.linux.namespaces.at(-1)],
      ['/own', 'sysfs', {type: 'user'}],
    );
    const joined = specWith([PID, {type: 'network', path: '/net'}]);
    assert.is(withIdMappings(joined, mappings).mounts[0]?.type, 'bind');
    const both = withIdMappings(joined, mappings, '/user');
    assert.equal([both.mounts[0]?.type, both.linux.namespaces.at(-1)], ['sysfs', {type: 'user', path: '/user'}]);
  });

  test('refuses what belongs to other user namespaces', () => {
    for (const namespaces of [[PID, {type: 'ipc', path: '/ipc'}], [{type: 'pid', path: '/pid'}], []] as const) {
      assert.is(
        codeOf(() => withIdMappings(specWith(namespaces), mappings)),
        'NAMESPACE_UNSUPPORTED',
      );
    }
  });
});
