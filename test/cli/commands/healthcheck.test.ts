import * as assert from 'uvu/assert';
import type {HealthReport} from '../../../src/containers/health/check-health.ts';
import type {CreateRequest} from '../../../src/containers/kept/create-container.ts';
import {WinchError} from '../../../src/errors.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {containerOf, detailsOfContainer} from './sample-container.ts';

const RESULT = {start: '2026-01-31T12:00:00.000Z', end: '2026-01-31T12:00:01.000Z', exitCode: 1, output: 'no\n'};
const HEALTH = {status: 'unhealthy', failingStreak: 3, log: [RESULT]} as const;

describe('cli/commands/healthcheck', ({test}) => {
  const reportOf = (exitCode: number): HealthReport => ({result: {...RESULT, exitCode}, health: HEALTH, pauseMs: 1});

  test('ends with the outcome of the check', async () => {
    const run = (exitCode: number) =>
      runWinch(['healthcheck', 'run', 'web'], {containers: {checkHealth: async () => reportOf(exitCode)}});
    const [well, sick] = [await run(0), await run(-1)];
    assert.equal([well.code, well.stdout], [0, '']);
    assert.equal([sick.code, sick.stdout], [1, 'unhealthy\n']);
    const checkHealth = () => Promise.reject(new WinchError('HEALTHCHECK_MISSING', 'none', {kind: 'invalid'}));
    const {code, stderr} = await runWinch(['healthcheck', 'run', 'web'], {containers: {checkHealth}});
    assert.equal([code, stderr.includes('--health-cmd')], [125, true]);
  });

  test('ps says how containers do, and filters by it', async () => {
    const list = async () => [
      containerOf({name: 'a', health: {...HEALTH, status: 'starting'}}),
      containerOf({name: 'b', health: {...HEALTH, status: 'healthy'}}),
      containerOf({name: 'c', health: HEALTH}),
      containerOf({name: 'd'}),
    ];
    const ps = async (...words: readonly string[]) =>
      (await runWinch(['ps', '--format', '{{.Names}} {{.Status}}', ...words], {containers: {list}})).stdout;
    assert.is(
      await ps(),
      'a Up 2 minutes (health: starting)\nb Up 2 minutes (healthy)\nc Up 2 minutes (unhealthy)\nd Up 2 minutes\n',
    );
    assert.match(await ps('--filter', 'health=healthy'), /^b .*\n$/);
    assert.match(await ps('--filter', 'health=none'), /^d .*\n$/);
    assert.is((await runWinch(['ps', '--filter', 'health=ill'], {containers: {list}})).code, 2);
  });

  test("inspect has docker's fields", async () => {
    const check = {
      ...{test: ['CMD', 'a'], command: ['a'], intervalMs: 1000, timeoutMs: 2000, retries: 3},
      ...{startPeriodMs: 0, startIntervalMs: 5000},
    };
    const inspect = async () => detailsOfContainer({health: HEALTH}, {healthCheck: check});
    const {stdout} = await runWinch(['inspect', 'web'], {containers: {inspect}});
    const [{State, Config}] = JSON.parse(stdout);
    assert.equal(State.Health, {
      Status: 'unhealthy',
      FailingStreak: 3,
      Log: [{Start: RESULT.start, End: RESULT.end, ExitCode: 1, Output: 'no\n'}],
    });
    assert.equal(Config.Healthcheck, {
      ...{Test: ['CMD', 'a'], Interval: 1e9, Timeout: 2e9, StartPeriod: 0, StartInterval: 5e9, Retries: 3},
    });
  });

  test('create and run ask for checks', async () => {
    const asked: CreateRequest[] = [];
    const containers = {
      create: async (request: CreateRequest) => {
        asked.push(request);
        return 'a'.repeat(64);
      },
      start: async (id: string) => id,
    };
    for (const words of [['create'], ['run', '-d']]) {
      await runWinch([...words, '--health-cmd', 'true', '--health-retries', '2', 'nginx'], {containers});
    }
    assert.equal(
      asked.map(({container}) => container?.health),
      [
        {command: 'true', retries: 2},
        {command: 'true', retries: 2},
      ],
    );
  });
});
