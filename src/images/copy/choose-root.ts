import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {ContentDocument, ContentSource} from '../../media/content.ts';
import type {Descriptor} from '../../oci/descriptor.ts';
import {digestAlgorithm, digestOf} from '../../oci/digest.ts';
import {CONFIG_LIMIT_BYTES, parseImageConfig} from '../../oci/image-config.ts';
import {artifactTypeOf} from '../../oci/media-types.ts';
import {formatPlatform, type Platform, platformsOf, selectPlatform} from '../../oci/platform.ts';

const DEPTH_LIMIT = 4;

export interface PlatformWish {
  readonly platform: Platform;
  /** Whether an image that is for another platform alone is refused. */
  readonly isStrict: boolean;
}

/**
 * The manifest for a platform that the root leads to.
 *
 * @throws {WinchError} `PLATFORM_MISSING` | `LIMIT_INDEX_DEPTH` | what the source throws
 */
export async function chooseRoot(
  source: ContentSource,
  {platform, isStrict}: PlatformWish,
  options: CallOptions,
): Promise<ContentDocument> {
  let chosen = await source.root(options);
  for (let depth = 1; chosen.document.kind === 'index'; depth++) {
    if (depth > DEPTH_LIMIT) {
      throw new WinchError('LIMIT_INDEX_DEPTH', `${source.name} nests indexes deeper than ${DEPTH_LIMIT}`, {
        kind: 'refused',
        hint: 'the image has to be pushed anew',
      });
    }
    const entry = selectPlatform(chosen.document, platform);
    if (!entry) throw missing(source, platform, platformsOf(chosen.document));
    chosen = await source.document(entry, options);
  }
  if (isStrict) await requirePlatform(source, {chosen, platform}, options);
  return chosen;
}

interface Choice {
  readonly chosen: ContentDocument;
  readonly platform: Platform;
}

async function requirePlatform(source: ContentSource, {chosen, platform}: Choice, options: CallOptions): Promise<void> {
  const {document} = chosen;
  if (document.kind === 'index' || artifactTypeOf(document) !== null) return;
  const bytes = await readConfig(source, document.config, options);
  const {os, architecture} = parseImageConfig(bytes, {where: `config of ${source.name}`});
  if (os === platform.os && architecture === platform.architecture) return;
  throw missing(source, platform, [formatPlatform({os, architecture})]);
}

async function readConfig(source: ContentSource, descriptor: Descriptor, {signal}: CallOptions): Promise<Buffer> {
  const {digest, size} = descriptor;
  if (size > CONFIG_LIMIT_BYTES) {
    throw new WinchError('CONFIG_TOO_LARGE', `config ${digest} has ${size} bytes`, {
      kind: 'refused',
      hint: `no image needs more than ${CONFIG_LIMIT_BYTES}`,
    });
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.blob(descriptor).open(0, {signal})) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (digestOf(bytes, digestAlgorithm(digest)) === digest) return bytes;
  throw new WinchError('DIGEST_MISMATCH', `the bytes of config ${digest} from ${source.name} have another digest`, {
    kind: 'refused',
    hint: 'the source is damaged or forged; nothing was written',
  });
}

const missing = ({name}: ContentSource, platform: Platform, offered: readonly string[]): WinchError =>
  new WinchError('PLATFORM_MISSING', `${name} has no image for ${formatPlatform(platform)}`, {
    kind: 'not-found',
    hint: offered.length > 0 ? `it offers ${offered.join(', ')}` : 'its index is empty',
    details: {platforms: offered},
  });
