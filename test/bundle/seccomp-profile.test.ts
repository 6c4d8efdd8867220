import * as assert from 'uvu/assert';
import {resolveSeccompProfile, type SeccompRule} from '../../src/bundle/seccomp-profile.ts';
import {describe} from '../helpers/suite.ts';

const TARGET = {capabilities: ['CAP_SYS_ADMIN'], architecture: 'amd64', kernel: '5.10.0-13-amd64'};
const rule = (name: string, changes: Partial<SeccompRule> = {}): SeccompRule => ({
  names: [name],
  action: 'SCMP_ACT_ALLOW',
  ...changes,
});
const kept = (rules: SeccompRule[]) =>
  resolveSeccompProfile({defaultAction: 'SCMP_ACT_ERRNO', syscalls: rules}, TARGET).syscalls.flatMap(
    ({names}) => names,
  );

describe('bundle/seccomp-profile', ({test}) => {
  test('keeps the rules whose conditions all hold', () => {
    const rules = [
      rule('always'),
      rule('has', {includes: {caps: ['CAP_SYS_ADMIN']}}),
      rule('lacks one', {includes: {caps: ['CAP_SYS_ADMIN', 'CAP_BPF']}}),
      rule('excluded', {excludes: {caps: ['CAP_BPF', 'CAP_SYS_ADMIN']}}),
      rule('other machine', {includes: {arches: ['arm64']}}),
      rule('this machine', {includes: {arches: ['arm64', 'amd64']}}),
      rule('not here', {excludes: {arches: ['amd64']}}),
      rule('old enough', {includes: {minKernel: '4.8'}}),
      rule('too new', {includes: {minKernel: '5.11'}}),
      rule('only before', {excludes: {minKernel: '4.8'}}),
    ];
    assert.equal(kept(rules), ['always', 'has', 'this machine', 'old enough']);
  });

  test('joins rules with the same effect, each name once', () => {
    const args = [{index: 0, value: 1, op: 'SCMP_CMP_EQ'}];
    const rules = [
      rule('a'),
      rule('b', {args}),
      rule('c'),
      rule('a'),
      rule('d', {errnoRet: 38}),
      rule('e', {args: []}),
    ];
    const {syscalls} = resolveSeccompProfile({defaultAction: 'SCMP_ACT_ERRNO', syscalls: rules}, TARGET);
    assert.equal(
      syscalls.map(({names}) => names),
      [['a', 'c', 'e'], ['b'], ['d']],
    );
  });

  test('takes the architectures of this machine from the map, or the plain list', () => {
    const archMap = [
      {architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM']},
      {architecture: 'SCMP_ARCH_X86_64', subArchitectures: null},
    ];
    const base = {defaultAction: 'SCMP_ACT_ALLOW', syscalls: []};
    assert.equal(resolveSeccompProfile({...base, archMap}, TARGET).architectures, ['SCMP_ARCH_X86_64']);
    assert.equal(resolveSeccompProfile({...base, archMap}, {...TARGET, architecture: 'arm64'}).architectures, [
      'SCMP_ARCH_AARCH64',
      'SCMP_ARCH_ARM',
    ]);
    assert.equal(resolveSeccompProfile({...base, architectures: ['X']}, TARGET).architectures, ['X']);
  });
});
