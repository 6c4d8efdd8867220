import {WinchError} from '../errors.ts';
import type {RuntimeRlimit} from '../oci/runtime-spec.ts';
import type {ContainerOptions} from './container-options.ts';

/** The resource limits of Linux, as `ulimit` users name them (setrlimit(2) without the RLIMIT_ prefix). */
export const RLIMIT_NAMES: readonly string[] = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
];

const RLIM_INFINITY = 2n ** 64n - 1n;

/** Hard limits of this process by name (`nofile`); `Infinity` where there is none. */
export type HardLimits = Readonly<Record<string, number>>;

/**
 * The resource limits that the caller asks; the rest is inherited. -1 means unlimited.
 *
 * @param hardLimits What this process may not exceed (it lacks CAP_SYS_RESOURCE), or null when nothing holds it back.
 * @throws {WinchError} `ULIMIT_INVALID` | `ULIMIT_TOO_HIGH`
 */
export function createRlimits(options: ContainerOptions, hardLimits: HardLimits | null): readonly RuntimeRlimit[] {
  return (options.ulimits ?? []).map(({name, soft, hard}) => {
    if (!RLIMIT_NAMES.includes(name)) throw invalidUlimit(`there is no resource limit "${name.slice(0, 80)}"`);
    const limit = {type: `RLIMIT_${name.toUpperCase()}`, soft: toUnsigned(name, soft), hard: toUnsigned(name, hard)};
    if (limit.soft > limit.hard) throw invalidUlimit(`${name}: the soft limit ${soft} is above the hard limit ${hard}`);
    const allowed = hardLimits?.[name] ?? Infinity;
    if (allowed < Infinity && limit.hard > BigInt(allowed)) throw ulimitTooHigh(name, hard, allowed);
    return limit;
  });
}

function toUnsigned(name: string, value: number): bigint {
  if (value === -1) return RLIM_INFINITY;
  if (Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  throw invalidUlimit(`${name}: ${value} is neither a whole number nor -1 for unlimited`);
}

const invalidUlimit = (message: string): WinchError =>
  new WinchError('ULIMIT_INVALID', message, {kind: 'invalid', hint: `limits are: ${RLIMIT_NAMES.join(', ')}`});

const ulimitTooHigh = (name: string, hard: number, allowed: number): WinchError =>
  new WinchError('ULIMIT_TOO_HIGH', `${name}=${hard} is above this process's own hard limit of ${allowed}`, {
    kind: 'unsupported',
    hint: 'raising it needs CAP_SYS_RESOURCE; ask for less or raise the limit first',
  });
