import type {ByteString} from './byte-string.ts';
import {entryRefusal} from './refusal.ts';

/** (uid_t) -1 means "no user" to the kernel. */
const ID_END = 2 ** 32 - 1;
/** Year 2242; what every file system of a container host can hold. */
const MTIME_LIMIT_SECONDS = 2 ** 33;
/** The kernel packs a device number into 12 + 20 bits (new_encode_dev). */
const DEVICE_MAJOR_END = 2 ** 12;
const DEVICE_MINOR_END = 2 ** 20;
const NANOSECOND_DIGITS = 9;
const DECIMAL = /^\d{1,20}$/;
const TIME = /^(-?)(\d{1,20})(?:\.(\d*))?$/;

/** A user or group id that the kernel can store. */
export function checkedId(value: number, path: ByteString): number {
  if (value >= 0 && value < ID_END) return value;
  throw entryRefusal('TAR_INVALID', path, `has the user or group id ${value}, which no Linux system can store`);
}

/** A size whose last byte a double can still address. */
export function checkedSize(value: number, path: ByteString): number {
  if (value >= 0 && Number.isSafeInteger(value)) return value;
  throw entryRefusal('TAR_INVALID', path, `claims ${value} bytes`);
}

/** Refuses device numbers that the kernel would cut. */
export function checkDevice(major: number, minor: number, path: ByteString): void {
  if (major >= 0 && major < DEVICE_MAJOR_END && minor >= 0 && minor < DEVICE_MINOR_END) return;
  throw entryRefusal('TAR_INVALID', path, `has the device number ${major}:${minor}, which no Linux system can store`);
}

/** A decimal number of a PAX record. */
export function paxNumber(text: ByteString, path: ByteString): number {
  if (DECIMAL.test(text)) return Number(text);
  throw entryRefusal('TAR_INVALID', path, 'has a PAX number that is not decimal');
}

/** Seconds and nanoseconds of a PAX time, cut to nanoseconds and to 0…2^33 s. */
export function paxTime(text: ByteString, path: ByteString): readonly [seconds: number, nanoseconds: number] {
  const match = TIME.exec(text);
  if (!match) throw entryRefusal('TAR_INVALID', path, 'has a PAX time that is not decimal');
  const [, sign, whole, fraction = ''] = match;
  const seconds = clampTime(Number(sign === '-' ? -1 : whole));
  if (sign === '-' || seconds === MTIME_LIMIT_SECONDS) return [seconds, 0];
  return [seconds, Number(fraction.slice(0, NANOSECOND_DIGITS).padEnd(NANOSECOND_DIGITS, '0'))];
}

/** Whole seconds cut to 0…2^33. */
export const clampTime = (seconds: number): number => Math.min(Math.max(seconds, 0), MTIME_LIMIT_SECONDS);
