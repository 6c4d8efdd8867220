import type {ContainerOptions} from '../../bundle/container-options.ts';
import type {BlockIoLimit} from '../../bundle/limit-options.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import {type IntegerRange, parseInteger} from './number.ts';
import {parseSize} from './size.ts';

const WEIGHTS: IntegerRange = {minimum: 10, maximum: 1000};
const REQUESTS: IntegerRange = {minimum: 1, maximum: 2 ** 32 - 1};

export interface BlockIoValues {
  readonly 'blkio-weight'?: string | undefined;
  readonly 'blkio-weight-device'?: readonly string[] | undefined;
  readonly 'device-read-bps'?: readonly string[] | undefined;
  readonly 'device-write-bps'?: readonly string[] | undefined;
  readonly 'device-read-iops'?: readonly string[] | undefined;
  readonly 'device-write-iops'?: readonly string[] | undefined;
}

/**
 * Reads a weight, and `PATH:AMOUNT` for each disk.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseBlockIo(values: BlockIoValues): Pick<ContainerOptions, 'blkioWeight' | 'blkioLimits'> {
  const weight = values['blkio-weight'];
  const read = (kind: BlockIoLimit['kind'], flag: Exclude<keyof BlockIoValues, 'blkio-weight'>) =>
    (values[flag] ?? []).map((text) => parseLimit(kind, `--${flag}`, text));
  const limits = [
    ...read('weight', 'blkio-weight-device'),
    ...read('read-bps', 'device-read-bps'),
    ...read('write-bps', 'device-write-bps'),
    ...read('read-iops', 'device-read-iops'),
    ...read('write-iops', 'device-write-iops'),
  ];
  return {
    ...(weight !== undefined && {blkioWeight: parseInteger('--blkio-weight', weight, WEIGHTS)}),
    ...(limits.length > 0 && {blkioLimits: limits}),
  };
}

function parseLimit(kind: BlockIoLimit['kind'], flag: string, text: string): BlockIoLimit {
  const [, path, amount = ''] = /^(\/.+):([^:/]+)$/.exec(text) ?? [];
  if (path === undefined) throw flagInvalid(flag, `${quote(text)} is not PATH:NUMBER`, `${flag} /dev/sda:500`);
  return {path, kind, amount: parseAmount(kind, flag, amount)};
}

function parseAmount(kind: BlockIoLimit['kind'], flag: string, text: string): number {
  if (!kind.endsWith('bps')) return parseInteger(flag, text, kind === 'weight' ? WEIGHTS : REQUESTS);
  const bytes = parseSize(flag, text);
  if (bytes > 0) return bytes;
  throw flagInvalid(flag, 'nothing could be read or written at 0 bytes per second', `${flag} /dev/sda:1m`);
}
