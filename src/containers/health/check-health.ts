import type {HealthCheck} from '../../bundle/health-check.ts';
import {isWinchError, WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {openLockDirectory} from '../../host/locks.ts';
import type {ContainerContext} from '../context.ts';
import {startError} from '../exit-errors.ts';
import {nameOf} from '../kept/find-container.ts';
import {type LiveContainer, requireLive, requireUnpaused} from '../kept/find-live.ts';
import {type ExecEntry, startExec} from '../kept/start-exec.ts';
import {recordContainerEvents} from '../record-events.ts';
import {
  addResult,
  type ContainerHealth,
  type HealthResult,
  pauseBeforeCheck,
  readHealth,
  writeHealth,
} from './health-log.ts';
import {findHealthPlace, type HealthPlace} from './health-place.ts';

export interface HealthReport {
  /** How this check has ended. */
  readonly result: HealthResult;
  /** What the container has come to by it. */
  readonly health: ContainerHealth;
  /** Milliseconds until it is to be checked again. */
  readonly pauseMs: number;
}

/** As docker keeps of it. */
const LARGEST_OUTPUT_BYTES = 4096;
/** As docker has it for what did not end. */
const NO_EXIT = -1;

/**
 * Checks once whether a running container does its work, and notes how that went. One check of a container goes on at a
 * time.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `CONTAINER_PAUSED` |
 * `HEALTHCHECK_MISSING` | `NAMESPACE_DENIED`
 */
export async function checkHealth(
  context: ContainerContext,
  text: string,
  {signal, asUser}: CallOptions & ExecEntry,
): Promise<HealthReport> {
  const container = await requireLive(context, text);
  requireUnpaused(container);
  const place = findHealthPlace(context, container);
  if (place === null) throw unchecked(container);
  using _lock = await openLockDirectory(container.directory).acquire('health', {mode: 'exclusive', signal});
  const result = await probe(context, {container, check: place.check, asUser}, signal);
  // What fails because the container has ended, or was paused meanwhile, says nothing.
  if (result.exitCode !== 0) requireUnpaused(await requireLive(context, container.id));
  return noteResult(context, {container, place, result});
}

interface Outcome {
  readonly container: LiveContainer;
  readonly place: HealthPlace;
  readonly result: HealthResult;
}

function noteResult(context: ContainerContext, {container, place, result}: Outcome): HealthReport {
  const before = readHealth(place.directory);
  const health = addResult(before, result, place);
  writeHealth(place.directory, health);
  if (health.status !== before.status) {
    recordContainerEvents(context, container, [{action: `health_status: ${health.status}`}]);
  }
  return {result, health, pauseMs: pauseBeforeCheck(health, place, context.now())};
}

interface Probe extends ExecEntry {
  readonly container: LiveContainer;
  readonly check: HealthCheck;
}

async function probe(
  context: ContainerContext,
  {container, check, asUser}: Probe,
  signal: AbortSignal | undefined,
): Promise<HealthResult> {
  const output = collectOutput();
  const start = new Date(context.now()).toISOString();
  const {exitCode, remark} = await run(context, {container, check, asUser, capture: output.add}, signal);
  const end = new Date(context.now()).toISOString();
  return {start, end, exitCode, output: [remark, output.text()].filter((part) => part !== '').join(': ')};
}

interface ProbeRun extends Probe {
  readonly capture: (bytes: Buffer) => void;
}

async function run(
  context: ContainerContext,
  {container, check: {command, timeoutMs}, capture, asUser}: ProbeRun,
  signal: AbortSignal | undefined,
): Promise<{readonly exitCode: number; readonly remark: string}> {
  try {
    using exec = disposable(await startExec(context, container, {command, capture, asUser}));
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      void exec.process.killAll();
    }, timeoutMs);
    const abort = () => void exec.process.killAll();
    signal?.addEventListener('abort', abort, {once: true});
    const {exitCode, failure} = await exec.process.exited.finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    });
    signal?.throwIfAborted();
    if (isLate) return {exitCode: NO_EXIT, remark: `Health check exceeded timeout (${timeoutMs / 1000}s)`};
    if (failure !== null) throw startError(container.runtime.path, failure);
    return {exitCode, remark: ''};
  } catch (error) {
    if (!isWinchError(error) || ['CONTAINER_STOPPED', 'NAMESPACE_DENIED'].includes(error.code)) throw error;
    return {exitCode: NO_EXIT, remark: error.message};
  }
}

const disposable = <T extends {remove(): void}>(value: T): T & Disposable => ({
  ...value,
  [Symbol.dispose]: () => value.remove(),
});

/** However much it prints, no more than that is kept in memory. */
function collectOutput() {
  const pieces: Buffer[] = [];
  let bytes = 0;
  return {
    add: (piece: Buffer) => {
      if (bytes < LARGEST_OUTPUT_BYTES) pieces.push(piece.subarray(0, LARGEST_OUTPUT_BYTES - bytes));
      bytes += piece.length;
    },
    text: () => Buffer.concat(pieces).toString('utf8'),
  };
}

export const unchecked = (container: {readonly id: string; readonly name: string | null}): WinchError =>
  new WinchError('HEALTHCHECK_MISSING', `container ${nameOf(container)} has no health check`, {
    kind: 'invalid',
    hint: 'make it anew with a command that checks it, or of an image that has one',
  });
