import {WinchError} from '../errors.ts';
import {isInitialUserNamespace} from '../host/user-namespace.ts';
import {type ByteString, displayBytes} from './byte-string.ts';
import {encodeTarHeader} from './tar-encoding.ts';
import {OPAQUE_MARKER, WHITEOUT_PREFIX} from './whiteout.ts';

type Attributes = ReadonlyMap<string, string>;

const PARTIAL_ATTRIBUTES = ['redirect', 'metacopy'];

/** What fuse-overlayfs adds to a directory that hides all, whichever attributes it may set. */
const FUSE_MARKERS: readonly ByteString[] = [OPAQUE_MARKER, '.wh..opq'];

/** A directory of an upper directory, as an overlay reads it. */
export interface MarkedNames {
  /** What is content, or a device in the place of what is hidden. */
  readonly content: readonly ByteString[];
  /** What lower layers have there and is hidden, as fuse-overlayfs has it where it can make no devices. */
  readonly hidden: readonly ByteString[];
  /** Whether all that lower layers have in it is hidden. */
  readonly isOpaque: boolean;
}

export function readMarkedNames(names: readonly ByteString[], attributes: Attributes): MarkedNames {
  const isMark = (name: ByteString) => name.startsWith(WHITEOUT_PREFIX);
  const marks = names.filter(isMark);
  return {
    content: names.filter((name) => !isMark(name)),
    hidden: marks.filter((mark) => !FUSE_MARKERS.includes(mark)).map((mark) => mark.slice(WHITEOUT_PREFIX.length)),
    isOpaque: attributes.get(`${prefix()}opaque`) === 'y' || marks.includes(OPAQUE_MARKER),
  };
}

/**
 * What a file of an upper directory must be to be understood without the lower layers.
 *
 * @throws {WinchError} `WRITES_UNREADABLE`: the rest is in a lower layer, under another name perhaps
 */
export function requireWhole(attributes: Attributes | null, path: ByteString): void {
  if (!PARTIAL_ATTRIBUTES.some((name) => attributes?.has(`${prefix()}${name}`))) return;
  throw new WinchError('WRITES_UNREADABLE', `of ${displayBytes(path)} the container has written a part alone`, {
    kind: 'unsupported',
    hint: 'the overlay module of this kernel redirects directories or copies metadata alone: switch that off',
  });
}

/** What hides a name in a layer. */
export function whiteoutOf(path: ByteString): Buffer {
  const at = path.lastIndexOf('/') + 1;
  return encodeTarHeader({
    path: `${path.slice(0, at)}${WHITEOUT_PREFIX}${path.slice(at)}`,
    type: 'file',
    permissions: 0,
  });
}

/** What hides all that lower layers have in a directory, whose path has a slash at its end but for the root's. */
export const opaqueMarkerIn = (directory: ByteString): Buffer =>
  encodeTarHeader({path: `${directory}${OPAQUE_MARKER}`, type: 'file', permissions: 0});

/** Of the attributes that overlayfs writes where this process mounts it; the other ones are files' own. */
const prefix = (): string => (isInitialUserNamespace() ? 'trusted.overlay.' : 'user.overlay.');
