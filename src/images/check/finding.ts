import type {ImageName} from '../inspect.ts';

/**
 * - `missing`, `size`, `content`: a file is gone, has another length, or other bytes
 * - `mode`: others may read or write it, its owner may not, or it has another owner than the store
 * - `extra`: no image needs it; a leftover, or part of a pull that is under way
 */
export type FindingKind = 'missing' | 'size' | 'content' | 'mode' | 'extra';

interface Explanation {
  readonly kind: FindingKind;
  readonly object: 'blob' | 'layer' | 'database' | 'directory' | 'file';
  /** What it means. */
  readonly meaning: string;
  /** What to do next. */
  readonly hint: string;
}

const [NO_COPY, NO_MOUNT] = ['its images cannot be pushed or saved', 'its images cannot be mounted as they were'];
const [DOWNLOADED, REWRITTEN] = ['a repair gets it again', 'a repair writes it again from its blob'];
const [OPEN, FOREIGN] = [
  'others than its owner may use it, or its owner may not',
  'others than the owner of the store may change it',
];
const RESTRICTED = 'a repair gives it back to the owner of the store alone';
const REBUILT = 'a repair rebuilds it from its readable pages, index.json and the blobs';
const HARMLESS = 'it takes space and does no harm';

const blob = (kind: FindingKind) => ({kind, object: 'blob', meaning: NO_COPY, hint: DOWNLOADED}) as const;
const layer = (kind: FindingKind) => ({kind, object: 'layer', meaning: NO_MOUNT, hint: REWRITTEN}) as const;
const access = (object: 'blob' | 'layer' | 'database' | 'directory', meaning: string) =>
  ({kind: 'mode', object, meaning, hint: RESTRICTED}) as const;
const extra = (object: Explanation['object'], hint: string) =>
  ({kind: 'extra', object, meaning: HARMLESS, hint}) as const;

const UNNEEDED = 'prune removes it';

const EXPLANATIONS = {
  BLOB_MISSING: blob('missing'),
  BLOB_SIZE: blob('size'),
  BLOB_CONTENT: blob('content'),
  /** The disk fails to read it. */
  BLOB_UNREADABLE: blob('content'),
  /** A directory, a link, a device … is in its place. */
  BLOB_TYPE: blob('content'),
  BLOB_OWNER: access('blob', FOREIGN),
  BLOB_MODE: access('blob', OPEN),
  LAYER_MISSING: layer('missing'),
  LAYER_SIZE: layer('size'),
  LAYER_HEAD: layer('content'),
  LAYER_TAR: layer('content'),
  LAYER_INDEX: layer('content'),
  LAYER_UNREADABLE: layer('content'),
  LAYER_TYPE: layer('content'),
  /** A layer that was extracted is not what its file has. */
  TREE_CONTENT: {
    kind: 'content',
    object: 'file',
    meaning: 'containers that run on extracted layers see other files',
    hint: 'a repair takes it away, and a run that needs it extracts it again',
  },
  /** What layers show together is not what their files have. */
  MERGED_CONTENT: {
    kind: 'content',
    object: 'file',
    meaning: 'containers may see other files, or none',
    hint: 'a repair takes it away, and the next pull of the image writes it again',
  },
  LAYER_OWNER: access('layer', FOREIGN),
  LAYER_MODE: access('layer', OPEN),
  DIRECTORY_OWNER: access('directory', FOREIGN),
  DIRECTORY_MODE: access('directory', OPEN),
  DATABASE_OWNER: access('database', FOREIGN),
  DATABASE_MODE: access('database', OPEN),
  DATABASE_MISSING: {kind: 'missing', object: 'database', meaning: 'no image can be found', hint: REBUILT},
  /** SQLite cannot read all of it. */
  DATABASE_DAMAGED: {kind: 'content', object: 'database', meaning: 'images and tags may be wrong', hint: REBUILT},
  /** Its tables contradict each other. */
  DATABASE_ROWS: {kind: 'content', object: 'database', meaning: 'images and tags may be wrong', hint: REBUILT},
  /** A rebuild was ended before it was done. */
  DATABASE_UNFINISHED: {kind: 'missing', object: 'database', meaning: 'images and tags are missing', hint: REBUILT},
  EXTRA_BLOB: extra('blob', UNNEEDED),
  EXTRA_LAYER: extra('layer', UNNEEDED),
  EXTRA_FILE: extra('file', UNNEEDED),
  /** Of a download or a layer that is under way, or was ended. */
  EXTRA_LEFTOVER: extra('file', 'it goes on from there with the next pull, or prune removes it'),
  /** A layer that was not extracted to its end, or by whom no sync made sure of it before the machine stopped. */
  TREE_UNFINISHED: extra('file', 'a run that needs it extracts it again'),
  /** The damaged database that a repair has replaced. */
  EXTRA_DATABASE: extra('database', 'delete it once nothing of it is missed'),
  /** `index.json` or `oci-layout` say something else than the database. */
  LAYOUT_STALE: {
    kind: 'extra',
    object: 'file',
    meaning: 'other tools that read the store as an OCI layout see other images',
    hint: 'a repair writes it again, and so does the next change of a tag',
  },
} as const satisfies Readonly<Record<string, Explanation>>;

/** Stable. */
export type FindingCode = keyof typeof EXPLANATIONS;

/** Whether a fault is about who may use a file, and not about its bytes. */
export const isAboutAccess = (code: FindingCode): boolean => EXPLANATIONS[code].kind === 'mode';

/** Something in the store that is not as it should be, or that could go. */
export interface Finding extends Explanation {
  readonly code: FindingCode;
  /** Of a layer its diff id; null for what has none. */
  readonly digest: string | null;
  /** Below the store's root. */
  readonly path: string;
  /** One line for people. */
  readonly detail: string;
  /** False: it takes space and does no harm. */
  readonly isDamage: boolean;
  /** The images that are hurt. */
  readonly images: readonly ImageName[];
}

/** What is known of a finding where it is made. */
export interface Found extends Pick<Finding, 'code' | 'path' | 'detail'> {
  readonly digest?: string | undefined;
  readonly images?: readonly ImageName[] | undefined;
}

export function createFinding({code, path, detail, digest, images}: Found): Finding {
  const explanation: Explanation = EXPLANATIONS[code];
  const isDamage = explanation.kind !== 'extra';
  return {code, ...explanation, digest: digest ?? null, path, detail, isDamage, images: images ?? []};
}
