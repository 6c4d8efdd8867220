import {type JsonObject, refuseCaseTwins} from './strict-json.ts';

/**
 * How an image says that its containers are to be checked (docker's HEALTHCHECK; not of the image-spec). Times are
 * nanoseconds; what is absent or 0 is as usual.
 */
export interface HealthConfig {
  /** `CMD` and a command line, or `CMD-SHELL` and what a shell runs. An image that says `NONE` says nothing here. */
  readonly Test?: readonly string[];
  readonly Interval?: number;
  readonly Timeout?: number;
  readonly StartPeriod?: number;
  readonly StartInterval?: number;
  readonly Retries?: number;
}

export const HEALTH_NUMBERS = ['Interval', 'Timeout', 'StartPeriod', 'StartInterval', 'Retries'] as const;

/** What reads the members of an image config. */
export interface HealthReaders {
  readObject(value: unknown, where: string): JsonObject | undefined;
  readArguments(value: unknown, where: string): readonly string[] | undefined;
  refuse(where: string, fault: string): never;
}

/** @throws {WinchError} `CONFIG_INVALID` */
export function readHealthConfig(value: unknown, where: string, readers: HealthReaders): HealthConfig | undefined {
  const config = readers.readObject(value, where);
  if (config === undefined) return undefined;
  refuseCaseTwins(config, ['Test', ...HEALTH_NUMBERS], {where, code: 'CONFIG_INVALID'});
  const test = readers.readArguments(config.Test, `${where}.Test`);
  if (test?.[0] === 'NONE') return undefined;
  const numbers = HEALTH_NUMBERS.flatMap((name) => {
    const number = config[name];
    if (number === undefined || number === null) return [];
    return typeof number === 'number' ? [[name, number]] : readers.refuse(`${where}.${name}`, 'is no number');
  });
  return {...(test && {Test: test}), ...Object.fromEntries(numbers)};
}
