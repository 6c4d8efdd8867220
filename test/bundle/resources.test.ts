import * as assert from 'uvu/assert';
import type {ContainerOptions} from '../../src/bundle/container-options.ts';
import {type CgroupFacts, createResources} from '../../src/bundle/resources.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const MIB = 1024 * 1024;
const FACTS: CgroupFacts = {version: 'v2', controllers: ['memory', 'cpu', 'cpuset', 'pids'], swapLimit: true};
const resourcesOf = (options: ContainerOptions, facts: Partial<CgroupFacts> = {}) =>
  createResources(options, {...FACTS, ...facts}, []);

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

  test('turns CPUs into a quota of 100 ms', () => {
    assert.equal(resourcesOf({cpus: 1.5}).cpu, {period: 100_000, quota: 150_000});
    assert.equal(resourcesOf({cpus: 0.01}).cpu, {period: 100_000, quota: 1000});
    assert.equal(resourcesOf({cpuShares: 2, cpusetCpus: '0-3,7'}).cpu, {shares: 2, cpus: '0-3,7'});
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
      {cpusetCpus: '0'},
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
