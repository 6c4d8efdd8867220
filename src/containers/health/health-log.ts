import {renameSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {HealthCheck} from '../../bundle/health-check.ts';
import {hasErrno} from '../../errors.ts';
import {readOrNull} from '../kept/record.ts';

export type HealthStatus = 'starting' | 'healthy' | 'unhealthy';

/** How a container has done in its checks since it was started. */
export interface ContainerHealth {
  readonly status: HealthStatus;
  /** How many checks in a row have failed. */
  readonly failingStreak: number;
  /** The last five. */
  readonly log: readonly HealthResult[];
}

export interface HealthResult {
  /** ISO 8601. */
  readonly start: string;
  readonly end: string;
  /** 0: it is well; -1: the check did not end, or could not be run. */
  readonly exitCode: number;
  /** What the check has printed, 4096 bytes at most. */
  readonly output: string;
}

/** What is checked, and since when. */
export interface HealthTiming {
  readonly check: HealthCheck;
  /** When the container was started, in milliseconds since 1970. */
  readonly startedMs: number;
}

const HEALTH_FILE = 'health.json';
const KEPT_RESULTS = 5;
export const UNCHECKED: ContainerHealth = Object.freeze({status: 'starting', failingStreak: 0, log: []});

/** @param directory Of a start. */
export function readHealth(directory: string): ContainerHealth {
  const text = readOrNull(join(directory, HEALTH_FILE));
  return text === null ? UNCHECKED : (JSON.parse(text) as ContainerHealth);
}

/** Whole or not at all; without effect where the container was removed meanwhile. Whoever calls holds the lock of its checks. */
export function writeHealth(directory: string, health: ContainerHealth): void {
  const staged = join(directory, `.${HEALTH_FILE}`);
  try {
    writeFileSync(staged, JSON.stringify(health), {mode: 0o600});
    renameSync(staged, join(directory, HEALTH_FILE));
  } catch (error) {
    if (!hasErrno(error, 'ENOENT')) throw error;
  }
}

/** As docker has it: failures do not count as long as it is starting, up to the end of that time. */
export function addResult(
  {status, failingStreak, log}: ContainerHealth,
  result: HealthResult,
  {check, startedMs}: HealthTiming,
): ContainerHealth {
  const results = [...log, result].slice(-KEPT_RESULTS);
  if (result.exitCode === 0) return {status: 'healthy', failingStreak: 0, log: results};
  const isExcused = status === 'starting' && Date.parse(result.start) - startedMs < check.startPeriodMs;
  const streak = isExcused ? failingStreak : failingStreak + 1;
  return {status: streak >= check.retries ? 'unhealthy' : status, failingStreak: streak, log: results};
}

/** Milliseconds until the next check. */
export function pauseBeforeCheck({status}: ContainerHealth, {check, startedMs}: HealthTiming, nowMs: number): number {
  const isStarting = status === 'starting' && nowMs - startedMs < check.startPeriodMs;
  return isStarting ? check.startIntervalMs : check.intervalMs;
}
