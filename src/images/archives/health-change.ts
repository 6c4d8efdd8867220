import {parseDuration} from '../../oci/duration.ts';
import type {HealthConfig} from '../../oci/health-config.ts';

const FLAGS = /^((?:--\S+\s+)*)(\S.*)$/s;
const NANOSECONDS = 1e6;
/** Names of the instruction's times, and of the members that they are. */
const TIMES = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
} as const satisfies Readonly<Record<string, keyof HealthConfig>>;

/**
 * Reads what follows HEALTHCHECK in a Dockerfile: `NONE`, or flags and `CMD` with a list in JSON or what a shell runs.
 *
 * @returns null: it is not understood.
 */
export function readHealthChange(
  value: string,
  readJsonList: (value: string) => readonly string[] | null,
): HealthConfig | null {
  const [, flags = '', rest = ''] = FLAGS.exec(value) ?? [];
  if (/^none$/i.test(rest)) return flags === '' ? {Test: ['NONE']} : null;
  const [, command] = /^cmd\s+(\S.*)$/is.exec(rest) ?? [];
  if (command === undefined) return null;
  const list = readJsonList(command);
  if (list?.length === 0) return null;
  let config: HealthConfig = {Test: list ? ['CMD', ...list] : ['CMD-SHELL', command]};
  for (const flag of flags.split(/\s+/).filter(Boolean)) {
    const read = readFlag(flag);
    if (read === null) return null;
    config = {...config, ...read};
  }
  return config;
}

function readFlag(flag: string): HealthConfig | null {
  const [, name = '', value = ''] = /^--([a-z-]+)=(.+)$/.exec(flag) ?? [];
  if (name === 'retries') return /^\d{1,9}$/.test(value) ? {Retries: Number(value)} : null;
  const milliseconds = parseDuration(value);
  if (!isTime(name) || milliseconds === null) return null;
  return {[TIMES[name]]: Math.round(milliseconds * NANOSECONDS)};
}

const isTime = (name: string): name is keyof typeof TIMES => Object.hasOwn(TIMES, name);
