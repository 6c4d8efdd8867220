import * as assert from 'uvu/assert';
import {createSeccomp} from '../../src/bundle/seccomp.ts';
import type {RuntimeSeccomp} from '../../src/oci/runtime-spec.ts';
import {describe} from '../helpers/suite.ts';

const TARGET = {capabilities: ['CAP_CHOWN'], architecture: 'amd64', kernel: '6.1.0'};

const unconditional = (filter: RuntimeSeccomp | null) =>
  filter?.syscalls.find(({args, action}) => args === undefined && action === 'SCMP_ACT_ALLOW')?.names ?? [];

describe('bundle/seccomp', ({test}) => {
  test('allows sockets of every family but AF_ALG and AF_VSOCK (CVE-2026-31431)', () => {
    const rules = createSeccomp({}, TARGET)?.syscalls.filter(({names}) => names.includes('socket')) ?? [];
    assert.equal(
      rules.map(({args}) => args?.map(({value, op}) => `${op} ${value}`).join()),
      ['SCMP_CMP_LT 38', 'SCMP_CMP_EQ 39', 'SCMP_CMP_GT 40'],
    );
  });

  test('hides clone3 and filters the flags of clone without CAP_SYS_ADMIN', () => {
    const filter = createSeccomp({}, TARGET);
    const clone3 = filter?.syscalls.find(({names}) => names.includes('clone3'));
    assert.equal(clone3, {names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: 38});
    const clone = filter?.syscalls.find(({names}) => names.includes('clone'));
    assert.equal(clone?.args, [{index: 0, value: 0x7e02_0000, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ'}]);
  });

  test('opens what a capability is for, and only that', () => {
    assert.not.ok(unconditional(createSeccomp({}, TARGET)).some((name) => ['mount', 'bpf', 'reboot'].includes(name)));
    const admin = unconditional(createSeccomp({}, {...TARGET, capabilities: ['CAP_SYS_ADMIN']}));
    assert.ok(['mount', 'clone', 'clone3', 'bpf', 'unshare'].every((name) => admin.includes(name)));
    assert.not.ok(admin.includes('reboot'));
  });

  test('allows as many calls as docker’s profile on amd64: 361 anywhere, 3 to trace, 2 of the machine', () => {
    const names = unconditional(createSeccomp({}, {...TARGET, capabilities: []}));
    assert.is(names.length, 361 + 3 + 2);
    assert.is(new Set(names).size, names.length);
  });

  test('filters for the machine: 32-bit programs too, s390 with its own order of arguments', () => {
    assert.equal(createSeccomp({}, TARGET)?.architectures, ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86']);
    const s390 = createSeccomp({}, {...TARGET, architecture: 's390x'});
    assert.is(s390?.syscalls.find(({names}) => names.includes('clone'))?.args?.[0]?.index, 1);
  });

  test('is off when unconfined or privileged, unless a profile is asked', () => {
    assert.is(createSeccomp({securityOptions: [{name: 'seccomp', profile: 'unconfined'}]}, TARGET), null);
    assert.is(createSeccomp({privileged: true}, TARGET), null);
    const asked = {privileged: true, securityOptions: [{name: 'seccomp', profile: 'default'}]} as const;
    assert.is.not(createSeccomp(asked, TARGET), null);
  });

  test('takes the caller’s own profile', () => {
    const profile = {defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{name: 'mkdir', action: 'SCMP_ACT_ERRNO'}]};
    assert.equal(createSeccomp({securityOptions: [{name: 'seccomp', profile}]}, TARGET), {
      defaultAction: 'SCMP_ACT_ALLOW',
      architectures: [],
      syscalls: [{names: ['mkdir'], action: 'SCMP_ACT_ERRNO'}],
    });
  });
});
