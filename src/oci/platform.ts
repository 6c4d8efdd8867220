import {WinchError} from '../errors.ts';
import type {Descriptor} from './descriptor.ts';
import {excerpt} from './excerpt.ts';
import type {ImageIndex} from './image-index.ts';

/** What an image runs on, in Go's names (image-spec v1.1.1 image-index.md#image-index-property-descriptions). */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly 'os.features'?: readonly string[];
}

export interface HostFacts {
  /** Node's `process.arch`. */
  readonly arch: string;
  /** Node's `process.config.variables.arm_version`, on 32-bit arm. */
  readonly armVersion?: string;
}

const PART_PATTERN = /^[A-Za-z0-9_.-]{1,64}$/;

/** Node's names where Go's differ; Node's ppc64 and mipsel builds are little-endian. */
const GO_ARCHITECTURES: ReadonlyMap<string, string> = new Map([
  ['x64', 'amd64'],
  ['ia32', '386'],
  ['ppc64', 'ppc64le'],
  ['mipsel', 'mipsle'],
]);

/** Other names for an architecture, some of which say the variant as well. */
const ALIASES: ReadonlyMap<string, readonly [architecture: string, variant?: string]> = new Map([
  ['x86_64', ['amd64']],
  ['x86-64', ['amd64']],
  ['i386', ['386']],
  ['aarch64', ['arm64']],
  ['armhf', ['arm', 'v7']],
  ['armel', ['arm', 'v6']],
]);

/** What no variant means. For amd64 that is v1, which is never written. */
const DEFAULT_VARIANTS: ReadonlyMap<string, string> = new Map([
  ['arm', 'v7'],
  ['arm64', 'v8'],
]);

/**
 * The platform that `os/architecture[/variant]` names, normalised.
 *
 * @throws {WinchError} `PLATFORM_INVALID`
 */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...rest] = text.split('/');
  const parts = [os, architecture, ...(variant === undefined ? [] : [variant])];
  if (os === undefined || architecture === undefined || rest.length > 0 || !parts.every(isPart)) {
    throw new WinchError('PLATFORM_INVALID', `${excerpt(text)} is not a platform`, {
      kind: 'invalid',
      hint: 'write os/architecture[/variant], such as linux/amd64 or linux/arm/v7',
    });
  }
  return normalizePlatform(variant === undefined ? {os, architecture} : {os, architecture, variant});
}

/** The platform that {@link formatPlatform} wrote; an image that says none comes back as it went. */
export function splitPlatform(text: string): Platform {
  const [os = '', architecture = '', variant] = text.split('/');
  return {os, architecture, ...(variant === undefined ? {} : {variant})};
}

/** `linux/amd64`, `linux/arm64/v8`. */
export const formatPlatform = ({os, architecture, variant}: Platform): string =>
  [os, architecture, ...(variant === undefined ? [] : [variant])].join('/');

/** The platform of a Linux machine. */
export const hostPlatform = ({arch, armVersion}: HostFacts): Platform =>
  normalizePlatform({
    os: 'linux',
    architecture: GO_ARCHITECTURES.get(arch) ?? arch,
    ...(arch === 'arm' && armVersion !== undefined ? {variant: `v${armVersion}`} : {}),
  });

/**
 * One spelling for one platform: Go's architecture names in lower case, `v` before the variant, arm without a variant
 * as v7, arm64 as v8, amd64/v1 as amd64.
 */
export function normalizePlatform(platform: Platform): Platform {
  const {variant: written, ...rest} = platform;
  const named = platform.architecture.toLowerCase();
  const [architecture, impliedVariant] = ALIASES.get(named) ?? [named];
  const variant = impliedVariant ?? normalizeVariant(architecture, written);
  return {...rest, os: platform.os.toLowerCase(), architecture, ...(variant === undefined ? {} : {variant})};
}

/**
 * The entry of an index that runs best on `wanted`, or null.
 *
 * The exact variant wins, then lower ones of the same architecture, highest first, as in containerd; entries of equal
 * rank in their order. Unlike there, another architecture (386 on amd64, arm on arm64) must be asked for by name. An
 * entry that says no platform is taken when nothing else fits: its config tells. Attestations are no images.
 */
export function selectPlatform(index: ImageIndex, wanted: Platform): Descriptor | null {
  const candidates = index.manifests.filter((entry) => !isAttestation(entry));
  return (
    bestMatch(candidates, wanted, ({platform}) => platform) ??
    candidates.find(({platform}) => platform === undefined) ??
    null
  );
}

/** The candidate that runs best on `wanted`, ranked as by {@link selectPlatform}, or null. */
export function bestMatch<T>(
  candidates: readonly T[],
  wanted: Platform,
  platformOf: (candidate: T) => Platform | undefined,
): T | null {
  const offered = candidates.map((candidate) => {
    const platform = platformOf(candidate);
    return {candidate, text: platform && formatPlatform(normalizePlatform(platform))};
  });
  for (const acceptable of acceptablePlatforms(normalizePlatform(wanted))) {
    const match = offered.find(({text}) => text === acceptable);
    if (match) return match.candidate;
  }
  return null;
}

/** The platforms that an index offers, each once, in its order. */
export const platformsOf = (index: ImageIndex): readonly string[] => [
  ...new Set(
    index.manifests.flatMap((entry) =>
      entry.platform && !isAttestation(entry) ? [formatPlatform(normalizePlatform(entry.platform))] : [],
    ),
  ),
];

const isPart = (part: string | undefined): boolean => part !== undefined && PART_PATTERN.test(part);

function normalizeVariant(architecture: string, written: string | undefined): string | undefined {
  const lower = written?.toLowerCase();
  if (lower === undefined || lower === '') return DEFAULT_VARIANTS.get(architecture);
  const variant = /^\d/.test(lower) ? `v${lower}` : lower;
  return architecture === 'amd64' && variant === 'v1' ? undefined : variant;
}

/** Whether an entry is what BuildKit files beside the images: provenance and SBOMs, as platform unknown/unknown. */
export const isAttestation = ({platform, annotations}: Descriptor): boolean =>
  (platform?.os === 'unknown' && platform.architecture === 'unknown') ||
  annotations?.['vnd.docker.reference.type'] === 'attestation-manifest';

function acceptablePlatforms({os, architecture, variant}: Platform): readonly string[] {
  return [variant, ...lowerVariants(architecture, variant ?? 'v1')].map((accepted) =>
    formatPlatform({os, architecture, ...(accepted === undefined ? {} : {variant: accepted})}),
  );
}

/** The variants whose programs run on `variant` too, best first; undefined is amd64/v1. */
function lowerVariants(architecture: string, variant: string): readonly (string | undefined)[] {
  const [, major, minor] = /^v(\d)(?:\.(\d{1,2}))?$/.exec(variant)?.map(Number) ?? [];
  if (major === undefined) return [];
  if (architecture === 'amd64') return [...countDown('v', major - 1, 2), undefined];
  if (architecture === 'arm') return countDown('v', major - 1, 5);
  if (architecture === 'arm64' && major === 8) return [...countDown('v8.', (minor || 0) - 1, 1), 'v8'];
  // Armv9.x contains Armv8.(x+5).
  if (architecture === 'arm64' && major === 9) {
    return [...countDown('v9.', (minor || 0) - 1, 1), 'v9', ...countDown('v8.', (minor || 0) + 5, 1), 'v8'];
  }
  return [];
}

/** `v6`, `v5` for ('v', 6, 5). */
const countDown = (prefix: string, from: number, to: number): readonly string[] =>
  Array.from({length: Math.max(0, from - to + 1)}, (_, step) => `${prefix}${from - step}`);
