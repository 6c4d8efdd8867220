import {readFileSync} from 'node:fs';
import {hasErrno} from '../errors.ts';
import {formatSubnet, overlaps, parseSubnet, type Subnet} from './subnet.ts';

/** The subnets that this machine has a route to: its own, other engines', and those behind a VPN. */
export const readUsedSubnets = (): readonly Subnet[] => [
  ...parseRoutes4(readOrEmpty('/proc/thread-self/net/route')),
  ...parseRoutes6(readOrEmpty('/proc/thread-self/net/ipv6_route')),
];

/** Columns of hexadecimal numbers as the machine's memory has them: device, destination, … mask (proc(5)). */
export function parseRoutes4(text: string): readonly Subnet[] {
  const lines = text.split('\n').slice(1);
  return lines.flatMap((line) => {
    const [device, destination = '', , , , , , mask = ''] = line.split('\t');
    if (device === undefined || destination.length !== 8 || mask.length !== 8) return [];
    const prefix = bitsOf(mask);
    const bytes = destination.match(/../g)?.toReversed() ?? [];
    const first = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(`0x${byte}`), 0n);
    return prefix === 0 ? [] : [{family: 4, first, prefix} as const];
  });
}

/** Destination and length of its prefix first. Multicast and link-local routes are every device's. */
export function parseRoutes6(text: string): readonly Subnet[] {
  return text.split('\n').flatMap((line) => {
    const [destination = '', length = ''] = line.split(' ');
    if (destination.length !== 32) return [];
    const prefix = Number.parseInt(length, 16);
    if (prefix === 0 || /^f[ef]/.test(destination)) return [];
    return [{family: 6, first: BigInt(`0x${destination}`), prefix} as const];
  });
}

/** Where default networks are looked for: not where docker and podman begin. */
const POOL = parseSubnet('10.192.0.0/11') as Subnet;
const DEFAULT_PREFIX = 24;

/** A route as wide as this (a VPN's to half of the world, or to all of `10.0.0.0/8`) rarely has all of it in use. */
const WIDE_PREFIX = 8;

export const isWide = ({prefix}: Subnet): boolean => prefix <= WIDE_PREFIX;

/**
 * A subnet that overlaps none of the used ones, as `10.200.7.0/24`, or where there is none left, none of the narrower of
 * those; null when there is none either.
 *
 * @param seed Decides where the search begins, so that those who choose at the same time rarely meet.
 */
export const chooseSubnet = (used: readonly Subnet[], seed: number): string | null =>
  findFree(used, seed) ??
  findFree(
    used.filter((subnet) => !isWide(subnet)),
    seed,
  );

function findFree(used: readonly Subnet[], seed: number): string | null {
  const count = 2 ** (DEFAULT_PREFIX - POOL.prefix);
  for (let index = 0; index < count; index += 1) {
    const offset = BigInt((seed + index) % count) << BigInt(32 - DEFAULT_PREFIX);
    const candidate: Subnet = {family: 4, first: POOL.first + offset, prefix: DEFAULT_PREFIX};
    if (!used.some((other) => overlaps(other, candidate))) return formatSubnet(candidate);
  }
  return null;
}

const bitsOf = (mask: string): number => Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length;

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // A kernel without IPv6 has no file for it.
    if (hasErrno(error, 'ENOENT')) return '';
    throw error;
  }
}
