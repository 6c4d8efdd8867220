import * as assert from 'uvu/assert';
import {parseSeccompProfile} from '../../src/bundle/seccomp-custom.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

describe('bundle/seccomp-custom', ({test}) => {
  test('reads a profile in docker’s form, old names and nulls included', () => {
    const profile = parseSeccompProfile({
      defaultAction: 'SCMP_ACT_ERRNO',
      archMap: [{architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86']}],
      syscalls: [
        {name: 'read', action: 'SCMP_ACT_ALLOW', args: null, includes: {}, comment: 'old form'},
        {
          names: ['socket'],
          action: 'SCMP_ACT_ALLOW',
          args: [{index: 0, value: 40, valueTwo: 0, op: 'SCMP_CMP_NE'}],
          excludes: {caps: ['CAP_SYS_ADMIN'], minKernel: '4.8'},
        },
      ],
    });
    assert.equal(profile, {
      defaultAction: 'SCMP_ACT_ERRNO',
      archMap: [{architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86']}],
      syscalls: [
        {names: ['read'], action: 'SCMP_ACT_ALLOW', includes: {}},
        {
          names: ['socket'],
          action: 'SCMP_ACT_ALLOW',
          args: [{index: 0, value: 40, valueTwo: 0, op: 'SCMP_CMP_NE'}],
          excludes: {caps: ['CAP_SYS_ADMIN'], minKernel: '4.8'},
        },
      ],
    });
  });

  const rule = {names: ['read'], action: 'SCMP_ACT_ALLOW'};
  const bad: Record<string, Record<string, unknown>> = {
    'no default action': {syscalls: []},
    'a default action that is no string': {defaultAction: 1},
    'both kinds of architectures': {defaultAction: 'x', architectures: [], archMap: []},
    'rules that are no array': {defaultAction: 'x', syscalls: {}},
    'a rule that is no object': {defaultAction: 'x', syscalls: ['read']},
    'a rule without names': {defaultAction: 'x', syscalls: [{action: 'x'}]},
    'names that are no strings': {defaultAction: 'x', syscalls: [{names: [1], action: 'x'}]},
    'a value that no double holds': {
      defaultAction: 'x',
      syscalls: [{...rule, args: [{index: 0, value: 2 ** 60, op: 'SCMP_CMP_EQ'}]}],
    },
    'an errno below zero': {defaultAction: 'x', syscalls: [{...rule, errnoRet: -1}]},
    'a kernel that is no version': {defaultAction: 'x', syscalls: [{...rule, includes: {minKernel: 'new'}}]},
  };
  for (const [what, profile] of Object.entries(bad)) {
    test(`refuses ${what}`, () => {
      assert.is(
        codeOf(() => parseSeccompProfile(profile)),
        'SECCOMP_INVALID',
      );
    });
  }

  test('says where the profile is wrong', () => {
    assert.throws(
      () => parseSeccompProfile({defaultAction: 'x', syscalls: [rule, {names: 'read'}]}),
      /syscalls\[1\]\.names is no array of strings/,
    );
  });
});
