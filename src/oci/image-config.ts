import {WinchError} from '../errors.ts';
import {
  type ContainerConfig,
  readContainerConfig,
  readList,
  readObject,
  readString,
  refuseConfig,
} from './container-config.ts';
import {definedMembers} from './defined-members.ts';
import {type Digest, parseDigest} from './digest.ts';
import type {Manifest} from './manifest.ts';
import {parseStrictJson, refuseCaseTwins} from './strict-json.ts';

/** What an image says about itself and about the container made of it (image-spec v1.1.1 config.md). */
export interface ImageConfig {
  /** Empty when the image does not say. */
  readonly architecture: string;
  /** Empty when the image does not say. */
  readonly os: string;
  readonly variant?: string;
  readonly 'os.version'?: string;
  readonly created?: string;
  readonly author?: string;
  readonly rootfs: {readonly type: 'layers'; readonly diff_ids: readonly Digest[]};
  readonly config: ContainerConfig;
  readonly history?: readonly HistoryRecord[];
}

/** How one step of the build came to be; the steps without `empty_layer` go with the layers, in order. */
export interface HistoryRecord {
  readonly created?: string;
  readonly created_by?: string;
  readonly author?: string;
  readonly comment?: string;
  readonly empty_layer?: boolean;
}

/** The size a config may have; as much as containers/image and containerd read. */
export const CONFIG_LIMIT_BYTES = 4 * 1024 * 1024;
const CODES = {invalid: 'CONFIG_INVALID', tooLarge: 'CONFIG_TOO_LARGE', ambiguous: 'CONFIG_INVALID'};

const IMAGE_KEYS = ['architecture', 'os', 'variant', 'os.version', 'created', 'author', 'rootfs', 'config', 'history'];
const ROOTFS_KEYS = ['type', 'diff_ids'];

/**
 * The image config in `bytes`; keys that no spec knows are dropped.
 *
 * Every start of a container reads one, so the checks are written out here: `@sindresorhus/is` takes 14 ms to load.
 *
 * @param options.where The document in a message (`config of alpine:3.20`).
 * @throws {WinchError} `CONFIG_TOO_LARGE` (4 MiB) | `DIGEST_INVALID` (a diff id) | `CONFIG_INVALID`: no strict JSON, a
 * member of the wrong type, a NUL in what the process gets, a variable without a name or `=`, a rootfs that is no stack
 * of layers.
 */
export function parseImageConfig(bytes: Uint8Array, {where}: {readonly where: string}): ImageConfig {
  const document = parseStrictJson(bytes, {what: where, limitBytes: CONFIG_LIMIT_BYTES, codes: CODES});
  const image = readObject(document, where) ?? {};
  refuseCaseTwins(image, IMAGE_KEYS, {where, code: CODES.ambiguous});
  return definedMembers({
    architecture: readString(image.architecture, `${where}: architecture`) ?? '',
    os: readString(image.os, `${where}: os`) ?? '',
    variant: readString(image.variant, `${where}: variant`),
    'os.version': readString(image['os.version'], `${where}: os.version`),
    created: readString(image.created, `${where}: created`),
    author: readString(image.author, `${where}: author`),
    rootfs: readRootfs(image.rootfs, `${where}: rootfs`),
    config: readContainerConfig(image.config, `${where}: config`),
    history: readHistory(image.history, `${where}: history`),
  });
}

/**
 * Checks that a manifest has one layer for each diff id of its config.
 *
 * @throws {WinchError} `MANIFEST_INVALID`
 */
export function checkLayerCount(manifest: Pick<Manifest, 'layers'>, config: Pick<ImageConfig, 'rootfs'>): void {
  const layers = manifest.layers.length;
  const diffIds = config.rootfs.diff_ids.length;
  if (layers === diffIds) return;
  throw new WinchError('MANIFEST_INVALID', `the manifest has ${layers} layers and its config ${diffIds} diff ids`, {
    kind: 'refused',
    hint: 'manifest and config belong to different images; the image has to be pushed anew',
  });
}

function readRootfs(value: unknown, where: string): ImageConfig['rootfs'] {
  const rootfs = readObject(value, where) ?? refuseConfig(where, 'is missing');
  refuseCaseTwins(rootfs, ROOTFS_KEYS, {where, code: CODES.ambiguous});
  if (rootfs.type !== 'layers') refuseConfig(`${where}.type`, 'is not "layers"');
  const diffIds = readList(rootfs.diff_ids, `${where}.diff_ids`) ?? [];
  return {type: 'layers', diff_ids: diffIds.map((diffId, at) => parseDigest(diffId, `${where}.diff_ids[${at}]`))};
}

const readHistory = (value: unknown, where: string): readonly HistoryRecord[] | undefined =>
  readList(value, where)?.map((entry, at) => readHistoryRecord(entry, `${where}[${at}]`));

function readHistoryRecord(value: unknown, where: string): HistoryRecord {
  const step = readObject(value, where) ?? {};
  const isEmpty = step.empty_layer ?? undefined;
  if (isEmpty !== undefined && typeof isEmpty !== 'boolean') {
    refuseConfig(`${where}.empty_layer`, 'is neither true nor false');
  }
  return definedMembers({
    created: readString(step.created, `${where}.created`),
    created_by: readString(step.created_by, `${where}.created_by`),
    author: readString(step.author, `${where}.author`),
    comment: readString(step.comment, `${where}.comment`),
    empty_layer: isEmpty,
  });
}
