import {WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import type {Digest} from '../oci/digest.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {Database} from '../store/database.ts';
import {type DigestRole, findDigestUses} from '../store/digest-uses.ts';
import {findImage} from '../store/image-records.ts';
import type {ImageContext} from './context.ts';
import type {LayerDetails} from './describe-layers.ts';
import type {FileDetails} from './diff-files.ts';
import {historyOf} from './history.ts';
import {type ImageName, nameImage} from './inspect.ts';

/** An image that has what was asked for. */
export interface WhichMatch {
  readonly image: ImageName;
  readonly platform: string;
  /** What the digest is to the image; empty for a path. A base layer's diff id is a chain id as well. */
  readonly roles: readonly DigestRole[];
  /** In full; null for a path. */
  readonly digest: string | null;
  /** The layer that is it or brought it; null for what is no layer. */
  readonly layer: WhichLayer | null;
  /** What the path is in this image; null for a digest. */
  readonly file: WhichFile | null;
}

export interface WhichLayer extends LayerDetails {
  /** From 1, base first. */
  readonly number: number;
  /** The command that made it; empty when the image does not say. */
  readonly createdBy: string;
}

export interface WhichFile extends FileDetails {
  /** Where it is once the symlinks on the way are followed. */
  readonly path: string;
}

export interface WhichAnswer {
  readonly matches: readonly WhichMatch[];
  /** Images that were not searched for the path, since some of their layers are only downloaded. */
  readonly unsearched: readonly ImageName[];
}

const DIGEST_PREFIX = /^(?:(?:sha256:)?[0-9a-f]{4,64}|sha512:[0-9a-f]{4,128})$/;

/**
 * The stored images that have a path (`/etc/passwd`) or a digest: of an index or what came in it, manifest, config, layer (as pushed or
 * unpacked) or chain; its first 4 digits will do.
 *
 * A path is looked up as a process in the image would: symlinks on the way are followed. The index of every stored
 * layer is read for that, one chain of layers in memory at a time.
 *
 * @throws {WinchError} `SUBJECT_INVALID`: neither a path nor a digest | `STORE_CORRUPT`
 */
export async function findHolders(
  context: ImageContext,
  subject: string,
  options: CallOptions = {},
): Promise<WhichAnswer> {
  if (DIGEST_PREFIX.test(subject)) return {matches: findByDigest(context, subject), unsearched: []};
  if (!subject.startsWith('/')) throw invalidSubject(subject);
  const {findByPath} = await import('./which-path.ts');
  using lease = await context.store.readerLease(options.signal);
  const {found, unsearched} = await findByPath({...context, lease}, subject, options.signal);
  const {store} = context;
  return {
    matches: found.flatMap(({manifestDigest, position, file}) => {
      const named = describeMatch(context, manifestDigest, position);
      return named ? [{...named, roles: [], digest: null, file}] : [];
    }),
    unsearched: store.read((database) => unsearched.map((digest) => nameImage(database, digest)), []),
  };
}

function findByDigest(context: ImageContext, text: string): readonly WhichMatch[] {
  const prefix = text.includes(':') ? text : `sha256:${text}`;
  const uses = context.store.read((database) => findDigestUses(database, prefix), []);
  const grouped = Map.groupBy(uses, ({manifestDigest, position, digest}) => `${manifestDigest} ${position} ${digest}`);
  return [...grouped.values()].flatMap((group) => {
    const [first] = group;
    const named = first && describeMatch(context, first.manifestDigest, first.position);
    return first && named ? [{...named, roles: group.map(({role}) => role), digest: first.digest, file: null}] : [];
  });
}

function describeMatch({store}: ImageContext, manifestDigest: Digest, position: number | null) {
  const image = store.read((database) => findImage(database, manifestDigest), null);
  if (!image) return null;
  const name = store.read<ImageName | null>((database: Database) => nameImage(database, manifestDigest), null);
  if (!name) return null;
  const history = position === null ? [] : historyOf(store, image, name.references[0] ?? name.imageId);
  const layers = history.flatMap(({layer, createdBy}) => (layer ? [{...layer, createdBy}] : [])).toReversed();
  const layer = position === null ? undefined : layers[position];
  return {
    image: name,
    platform: image.platform,
    layer: layer && position !== null ? {...layer, number: position + 1} : null,
  };
}

const invalidSubject = (subject: string): WinchError =>
  new WinchError('SUBJECT_INVALID', `${excerpt(subject)} is neither a path nor a digest`, {
    kind: 'invalid',
    hint: 'a path starts with /, a digest with sha256: or four of its digits',
  });
