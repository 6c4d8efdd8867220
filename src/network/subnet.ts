import {isIP} from 'node:net';

/** Addresses with a common beginning. */
export interface Subnet {
  readonly family: 4 | 6;
  /** The first address, as a number. */
  readonly first: bigint;
  /** How many bits all of them share. */
  readonly prefix: number;
}

const BITS = Object.freeze({4: 32, 6: 128});

/** A subnet as `10.1.2.0/24`, bits behind the prefix being dropped; null: it is none. */
export function parseSubnet(text: string): Subnet | null {
  const [, address = '', length = ''] = /^([0-9a-f.:]+)\/(\d{1,3})$/i.exec(text) ?? [];
  const family = isIP(address);
  const prefix = Number(length);
  if ((family !== 4 && family !== 6) || prefix > BITS[family]) return null;
  const first = addressToNumber(address) & ~hostMask({family, prefix});
  return {family, first, prefix};
}

export const formatSubnet = ({family, first, prefix}: Subnet): string => `${formatAddress(family, first)}/${prefix}`;

/** The last address. */
export const lastOf = (subnet: Subnet): bigint => subnet.first | hostMask(subnet);

export const overlaps = (one: Subnet, other: Subnet): boolean =>
  one.family === other.family && one.first <= lastOf(other) && other.first <= lastOf(one);

/** Whether an address is one of a subnet; false for what is no address. */
export const contains = (subnet: Subnet, address: string): boolean =>
  isIP(address) === subnet.family &&
  addressToNumber(address) >= subnet.first &&
  addressToNumber(address) <= lastOf(subnet);

/** @param address What `isIP` takes. */
export function addressToNumber(address: string): bigint {
  if (isIP(address) === 4) return address.split('.').reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
  const [head = '', tail] = expandDotted(address.replace(/%.*$/, '')).split('::');
  const [before, after] = [groupsOf(head), groupsOf(tail ?? '')];
  const between = Array.from({length: tail === undefined ? 0 : 8 - before.length - after.length}, () => 0n);
  return [...before, ...between, ...after].reduce((sum, group) => (sum << 16n) | group, 0n);
}

export function formatAddress(family: 4 | 6, value: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
  const groups = Array.from({length: 8}, (_, index) => ((value >> BigInt(112 - 16 * index)) & 0xffffn).toString(16));
  // The one writer of canonical IPv6 addresses (RFC 5952) that Node has.
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

const hostMask = ({family, prefix}: Pick<Subnet, 'family' | 'prefix'>): bigint =>
  (1n << BigInt(BITS[family] - prefix)) - 1n;

const groupsOf = (text: string): readonly bigint[] =>
  text === '' ? [] : text.split(':').map((group) => BigInt(`0x${group}`));

/** `::ffff:10.0.0.1` as two groups. */
const expandDotted = (address: string): string =>
  address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
