import {posix} from 'node:path';
import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {RuntimeMount} from '../oci/runtime-spec.ts';
import type {MountRequest} from './container-options.ts';

type BindRequest = Extract<MountRequest, {readonly type: 'bind'}>;
type TmpfsRequest = Extract<MountRequest, {readonly type: 'tmpfs'}>;

/** Each flag with its opposite; the later one given wins. */
const OPPOSITES: ReadonlyMap<string, string> = new Map(
  ['ro rw', 'exec noexec', 'suid nosuid', 'dev nodev', 'atime noatime', 'sync async'].flatMap((pair) => {
    const [on = '', off = ''] = pair.split(' ');
    return [
      [on, off],
      [off, on],
    ] as const;
  }),
);

const TMPFS_VALUE = /^(size|mode|uid|gid|nr_inodes|nr_blocks)=[\w%]+$/;

/**
 * The runtime's form of a mount that the caller asked for.
 *
 * @param canLockRecursively Whether the kernel can make a whole tree of mounts read-only (5.12); before, only its top.
 * @throws {WinchError} `MOUNT_INVALID`: target not absolute, climbing or `/`; source not absolute; unknown option ·
 * `MOUNT_UNSUPPORTED`
 */
export function convertMountRequest(request: MountRequest, canLockRecursively: boolean): RuntimeMount {
  const destination = normalizeTarget(request.target);
  switch (request.type) {
    case 'bind':
      return convertBind(request, destination, canLockRecursively);
    case 'tmpfs':
      return {destination, type: 'tmpfs', source: 'tmpfs', options: tmpfsOptions(request)};
    case 'image':
      throw invalidMount(destination, 'is of an image, which only containers of a store have');
    case 'volume':
      throw invalidMount(destination, 'is of a volume, which only containers of a store have');
  }
}

/** The target as the container will see it: absolute and without dots. @throws {WinchError} `MOUNT_INVALID` */
export function normalizeTarget(target: string): string {
  if (!posix.isAbsolute(target)) throw invalidMount(target, 'is not absolute');
  if (target.includes('\0') || target.split('/').includes('..')) throw invalidMount(target, 'is not a plain path');
  const path = posix.resolve('/', target);
  if (path === '/') throw invalidMount(target, 'would cover the whole image');
  return path;
}

function convertBind(request: BindRequest, destination: string, canLockRecursively: boolean): RuntimeMount {
  if (!posix.isAbsolute(request.source) || request.source.includes('\0')) {
    throw invalidMount(destination, `has a source that is not an absolute path (${excerpt(request.source)})`);
  }
  const isRecursive = request.recursive !== false;
  const {submounts} = request;
  if (submounts === 'readonly' && !canLockRecursively) throw unlockable(destination);
  const readOnly = isRecursive && canLockRecursively && submounts !== 'writable' ? 'rro' : 'ro';
  const options = [isRecursive ? 'rbind' : 'bind', ...(request.readOnly ? [readOnly] : [])];
  return {
    destination,
    type: 'bind',
    source: request.source,
    options: [...options, request.propagation ?? 'rprivate'],
  };
}

function tmpfsOptions({readOnly, sizeBytes, mode, options = [], target}: TmpfsRequest): readonly string[] {
  const given = [
    ...['noexec', 'nosuid', 'nodev'],
    ...(mode === undefined ? [] : [`mode=${mode.toString(8)}`]),
    ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`]),
    ...(readOnly === true ? ['ro'] : []),
    ...options,
  ];
  const merged = new Map<string, string>();
  for (const option of given) {
    if (!OPPOSITES.has(option) && !TMPFS_VALUE.test(option)) {
      throw invalidMount(target, `has an option that tmpfs does not take (${excerpt(option)})`);
    }
    merged.delete(OPPOSITES.get(option) ?? '');
    merged.set(option.split('=', 1)[0] ?? option, option);
  }
  return [...merged.values()];
}

const unlockable = (target: string): WinchError =>
  new WinchError(
    'MOUNT_UNSUPPORTED',
    `this kernel cannot make all that is mounted below ${excerpt(target)} read-only`,
    {
      kind: 'unsupported',
      hint: 'Linux 5.12 or later is needed',
    },
  );

const invalidMount = (target: string, problem: string): WinchError =>
  new WinchError('MOUNT_INVALID', `mount at ${excerpt(target)} ${problem}`, {kind: 'invalid'});
