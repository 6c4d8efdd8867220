import * as assert from 'uvu/assert';
import type {ContainerOptions} from '../../src/bundle/container-options.ts';
import type {BlockIoLimit} from '../../src/bundle/limit-options.ts';
import {type CgroupFacts, createResources} from '../../src/bundle/resources.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const MIB = 1024 * 1024;
const FACTS: CgroupFacts = {version: 'v2', controllers: ['memory', 'cpu', 'cpuset', 'pids'], swapLimit: true};
const resourcesOf = (options: ContainerOptions, facts: Partial<CgroupFacts> = {}) =>
  createResources(options, {...FACTS, ...facts}, {rules: []});

describe('bundle/resources', ({test}) => {
  test('sets nothing that is not asked', () => {
    assert.equal(resourcesOf({}), {devices: []});
  });

  test('allows as much swap again as memory, unless told otherwise', () => {
    assert.equal(resourcesOf({memoryBytes: 64 * MIB}).memory, {limit: 64 * MIB, swap: 128 * MIB});
    assert.equal(resourcesOf({memoryBytes: 64 * MIB, memorySwapBytes: -1}).memory, {limit: 64 * MIB, swap: -1});
    assert.equal(resourcesOf({memoryBytes: 64 * MIB}, {swapLimit: false}).memory, {limit: 64 * MIB});
  });

  test('reserves memory, with a limit or without', () => {
    assert.equal(resourcesOf({memoryReservationBytes: 32 * MIB}).memory, {reservation: 32 * MIB});
    assert.equal(resourcesOf({memoryBytes: 64 * MIB, memoryReservationBytes: 64 * MIB}).memory, {
      ...{limit: 64 * MIB, swap: 128 * MIB},
      reservation: 64 * MIB,
    });
  });

  test('needs the controller of block I/O, and weights where they are asked', () => {
    const limit = (kind: BlockIoLimit['kind']): ContainerOptions => ({
      blkioLimits: [{kind, path: '/dev/sda', amount: 10}],
    });
    const refused = (options: ContainerOptions, facts: Partial<CgroupFacts>) =>
      codeOf(() => resourcesOf(options, facts)) === 'CGROUP_CONTROLLER_MISSING';
    for (const options of [limit('read-bps'), limit('weight'), {blkioWeight: 10}]) {
      assert.ok(refused(options, {hasBlockIoWeights: true}));
      assert.ok(refused(options, {version: 'v1', controllers: ['io'], hasBlockIoWeights: true}));
      assert.not.ok(refused(options, {version: 'hybrid', controllers: ['blkio'], hasBlockIoWeights: true}));
      assert.not.ok(refused(options, {controllers: ['io'], hasBlockIoWeights: true}));
    }
    assert.not.ok(refused(limit('write-iops'), {controllers: ['io']}));
    assert.ok(refused(limit('weight'), {controllers: ['io']}));
    assert.ok(refused({blkioWeight: 10}, {controllers: ['io']}));
  });

  test('has no rules for devices as another user, whose cgroups are not its own', () => {
    const options = {deviceCgroupRules: ['c 13:* rwm']};
    assert.is(
      codeOf(() => resourcesOf(options, {isForeign: true})),
      'CGROUP_CONTROLLER_MISSING',
    );
    assert.is(
      codeOf(() => resourcesOf(options)),
      null,
    );
  });

  test('names the cgroup whose processes keep a limit away', () => {
    const facts = {controllers: ['pids'], occupied: '/'};
    assert.throws(() => resourcesOf({memoryBytes: 64 * MIB}, facts), /cgroup \/ has processes of its own/);
    assert.equal(resourcesOf({pidsLimit: 5}, facts).pids, {limit: 5});
  });

  test('root of a user namespace may set what is delegated to it', () => {
    const facts: Partial<CgroupFacts> = {controllers: ['memory', 'pids'], isForeign: true};
    assert.equal(resourcesOf({pidsLimit: 5}, facts).pids, {limit: 5});
    assert.throws(() => resourcesOf({cpus: 1}, facts), /root of a user namespace has no cpu controller/);
  });

  test('turns CPUs into a quota of 100 ms', () => {
    assert.equal(resourcesOf({cpus: 1.5}).cpu, {period: 100_000, quota: 150_000});
    assert.equal(resourcesOf({cpus: 0.01}).cpu, {period: 100_000, quota: 1000});
    assert.equal(resourcesOf({cpuShares: 2, cpusetCpus: '0-3,7'}).cpu, {shares: 2, cpus: '0-3,7'});
  });

  test('takes a quota and a period as they are, and nodes of memory', () => {
    assert.equal(resourcesOf({cpuQuotaUs: 25_000, cpuPeriodUs: 50_000}).cpu, {period: 50_000, quota: 25_000});
    assert.equal(resourcesOf({cpuQuotaUs: -1}).cpu, {quota: -1});
    assert.equal(resourcesOf({cpusetMems: '0'}).cpu, {mems: '0'});
  });

  test('knows swappiness where cgroups do', () => {
    assert.equal(resourcesOf({memorySwappiness: 0}, {version: 'v1'}).memory, {swappiness: 0});
    assert.throws(() => resourcesOf({memorySwappiness: 0}), /this machine's cgroups have no swappiness/);
  });

  test('takes a pids limit of zero or less for none', () => {
    assert.equal(resourcesOf({pidsLimit: 5}).pids, {limit: 5});
    assert.equal(resourcesOf({pidsLimit: 0}).pids, {limit: -1});
    assert.equal(resourcesOf({pidsLimit: -1}).pids, {limit: -1});
  });

  const bad: ContainerOptions[] = [
    {memoryBytes: 6 * MIB - 1},
    {memoryBytes: Number.NaN},
    {memoryBytes: 2 ** 53},
    {memoryBytes: 64 * MIB, memorySwapBytes: 63 * MIB},
    {memorySwapBytes: 64 * MIB},
    {memoryReservationBytes: MIB},
    {memoryBytes: 64 * MIB, memoryReservationBytes: 65 * MIB},
    {cpus: 0},
    {cpus: Number.NaN},
    {cpuShares: 1},
    {cpuShares: 2.5},
    {cpus: 1, cpuPeriodUs: 50_000},
    {cpuPeriodUs: 999},
    {cpuPeriodUs: 1_000_001},
    {cpuQuotaUs: 0},
    {cpusetMems: 'a'},
    {memorySwappiness: 101},
    {cpusetCpus: '0-'},
    {cpusetCpus: '0\n1'},
    {pidsLimit: 1.5},
  ];
  for (const options of bad) {
    test(`refuses ${JSON.stringify(options)}`, () => {
      assert.is(
        codeOf(() => resourcesOf(options)),
        'RESOURCE_INVALID',
      );
    });
  }

  test('refuses a limit that this machine would not enforce', () => {
    const all = [
      {memoryBytes: 64 * MIB},
      {memoryReservationBytes: 64 * MIB},
      {cpus: 1},
      {cpuPeriodUs: 1000},
      {cpusetCpus: '0'},
      {cpusetMems: '0'},
      {pidsLimit: 5},
    ];
    for (const options of all) {
      assert.is(
        codeOf(() => resourcesOf(options, {controllers: []})),
        'CGROUP_CONTROLLER_MISSING',
      );
    }
    const swap = {memoryBytes: 64 * MIB, memorySwapBytes: 64 * MIB};
    assert.is(
      codeOf(() => resourcesOf(swap, {swapLimit: false})),
      'CGROUP_CONTROLLER_MISSING',
    );
  });
});
