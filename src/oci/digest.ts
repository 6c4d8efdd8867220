import {WinchError} from '../errors.ts';
import {excerpt} from './excerpt.ts';

/** The algorithms that image-spec registers; every other one is refused (descriptor.md#registered-algorithms). */
export type DigestAlgorithm = 'sha256' | 'sha512';

/**
 * `algorithm:hex`. A value of this type that came through {@link parseDigest} or {@link isDigest} holds lower-case
 * hexadecimal of the exact length only, so its parts are safe in a path and in a URL.
 */
export type Digest = `${DigestAlgorithm}:${string}`;

/** Hashes bytes as they pass. */
export interface Digester {
  update(chunk: Uint8Array): void;
  /** The digest of all chunks; to be called once, last. */
  digest(): Digest;
}

const HEX_DIGITS: Readonly<Record<DigestAlgorithm, number>> = {sha256: 64, sha512: 128};
const DIGEST_PATTERN = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const SHORT_HEX_DIGITS = 12;

/**
 * The digest that `text` is.
 *
 * @param where The place in a message (`manifest of alpine:3.20: layers[2]`).
 * @throws {WinchError} `DIGEST_INVALID`: no string, another algorithm, upper case, a wrong length, anything around it.
 * @see image-spec v1.1.1 descriptor.md#digests
 */
export function parseDigest(text: unknown, where?: string): Digest {
  if (isDigest(text)) return text;
  const fault = `${describeValue(text)} is not a digest: ${digestFault(text)}`;
  throw new WinchError('DIGEST_INVALID', where === undefined ? fault : `${where}: ${fault}`, {
    kind: 'refused',
    hint: 'A digest is sha256: and 64, or sha512: and 128, lower-case hexadecimal digits',
  });
}

/** Whether `text` is a digest that {@link parseDigest} accepts. */
export const isDigest = (text: unknown): text is Digest => typeof text === 'string' && DIGEST_PATTERN.test(text);

/** The part before the colon. */
export const digestAlgorithm = (digest: Digest): DigestAlgorithm =>
  digest.startsWith('sha256:') ? 'sha256' : 'sha512';

/** The hexadecimal part. */
export const digestHex = (digest: Digest): string => digest.slice(digest.indexOf(':') + 1);

/** The first 12 hexadecimal digits, for people. */
export const shortDigest = (digest: Digest): string => digestHex(digest).slice(0, SHORT_HEX_DIGITS);

/** The digest of bytes that are all at hand. */
export const digestOf = (bytes: Uint8Array, algorithm: DigestAlgorithm = 'sha256'): Digest =>
  `${algorithm}:${loadCrypto().hash(algorithm, bytes)}`;

/** A digester for bytes that stream by. */
export function createDigester(algorithm: DigestAlgorithm = 'sha256'): Digester {
  const hasher = loadCrypto().createHash(algorithm);
  return {
    update: (chunk) => void hasher.update(chunk),
    digest: () => `${algorithm}:${hasher.digest('hex')}`,
  };
}

/** Importing node:crypto costs 5 ms, and most commands only compare digests. */
const loadCrypto = () => process.getBuiltinModule('node:crypto');

const describeValue = (value: unknown): string =>
  typeof value === 'string' ? excerpt(value) : `a value of type ${typeof value}`;

function digestFault(text: unknown): string {
  if (typeof text !== 'string') return 'it is no string';
  const [algorithm, hex] = splitAlgorithm(text);
  if (algorithm !== 'sha256' && algorithm !== 'sha512') return 'its algorithm is neither sha256 nor sha512';
  if (hex.length !== HEX_DIGITS[algorithm]) return `it has ${hex.length} digits instead of ${HEX_DIGITS[algorithm]}`;
  return 'it has characters other than 0-9 and a-f';
}

function splitAlgorithm(text: string): readonly [algorithm: string, hex: string] {
  const colon = text.indexOf(':');
  return colon === -1 ? ['', text] : [text.slice(0, colon), text.slice(colon + 1)];
}
