import * as assert from 'uvu/assert';
import {createHealthCheck} from '../../src/bundle/health-check.ts';
import {isWinchError} from '../../src/errors.ts';
import {readContainerConfig} from '../../src/oci/container-config.ts';
import {describe} from '../helpers/suite.ts';

const SECOND = 1e9;
const USUAL = {intervalMs: 30_000, timeoutMs: 30_000, retries: 3, startPeriodMs: 0, startIntervalMs: 5000};

describe('bundle/health-check', ({test}) => {
  const imageOf = (Healthcheck: unknown, more: object = {}) => readContainerConfig({Healthcheck, ...more}, 'config');

  test('is as the image says', () => {
    const numbers = {Interval: 2 * SECOND, Timeout: SECOND / 2, Retries: 5, StartPeriod: SECOND, StartInterval: SECOND};
    assert.equal(createHealthCheck(imageOf({Test: ['CMD', 'curl', 'localhost'], ...numbers}), {}), {
      test: ['CMD', 'curl', 'localhost'],
      command: ['curl', 'localhost'],
      ...{intervalMs: 2000, timeoutMs: 500, retries: 5, startPeriodMs: 1000, startIntervalMs: 1000},
    });
    const shell = {Test: ['CMD-SHELL', 'curl -f localhost || exit 1'], Interval: 0, Retries: null};
    assert.equal(createHealthCheck(imageOf(shell), {}), {
      test: shell.Test,
      command: ['/bin/sh', '-c', 'curl -f localhost || exit 1'],
      ...USUAL,
    });
    assert.equal(createHealthCheck(imageOf(shell, {Shell: ['/bin/ash', '-ec']}), {})?.command.slice(0, 2), [
      ...['/bin/ash', '-ec'],
    ]);
  });

  test('is as the caller says, where that is said', () => {
    const image = imageOf({Test: ['CMD', 'curl'], Interval: 2 * SECOND, Retries: 5});
    const asked = createHealthCheck(image, {health: {command: 'true', intervalMs: 1500}});
    assert.equal([asked?.command, asked?.intervalMs, asked?.retries], [['/bin/sh', '-c', 'true'], 1500, 5]);
    assert.equal(createHealthCheck(image, {health: {command: ['a', 'b']}})?.test, ['CMD', 'a', 'b']);
    assert.equal(createHealthCheck(image, {health: {retries: 1}})?.command, ['curl']);
  });

  test('is none where nobody says any, or somebody says none', () => {
    assert.is(createHealthCheck(imageOf(undefined), {}), null);
    assert.is(createHealthCheck(imageOf({Interval: SECOND}), {}), null);
    assert.is(createHealthCheck(imageOf({Test: ['NONE']}), {}), null);
    assert.is(createHealthCheck(imageOf({Test: ['CMD', 'curl']}), {health: 'none'}), null);
  });

  test('is refused where it cannot be used', () => {
    for (const [config, health] of [
      [{Test: ['CMD']}, undefined],
      [{Test: ['WHAT', 'ever']}, undefined],
      [{Test: ['CMD', 'a'], Interval: 10}, undefined],
      [{Test: ['CMD', 'a'], Retries: 1.5}, undefined],
      [undefined, {retries: 1}],
      [undefined, {command: []}],
      [undefined, {command: 'a', timeoutMs: 1e12}],
    ] as const) {
      try {
        createHealthCheck(imageOf(config), health === undefined ? {} : {health});
        assert.unreachable(JSON.stringify([config, health]));
      } catch (error) {
        assert.ok(isWinchError(error, 'HEALTHCHECK_INVALID'), String(error));
      }
    }
    for (const config of [1, {Test: 'x'}, {Test: [1]}, {Test: ['a\0']}, {Interval: '3'}]) {
      assert.throws(() => imageOf(config), /is no|contains/);
    }
  });
});
