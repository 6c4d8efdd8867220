import {closeSync, constants, fstatSync, openSync, readFileSync} from 'node:fs';
import {isAbsolute, join, resolve} from 'node:path';
import {writeBundleConfig} from '../bundle/create-bundle.ts';
import {adaptToOwnNamespace} from '../bundle/user-namespace.ts';
import {hasErrno, WinchError} from '../errors.ts';
import type {Syscalls} from '../host/syscalls.ts';
import type {RuntimeSpec} from '../oci/runtime-spec.ts';
import {parseStrictJson} from '../oci/strict-json.ts';
import {cgroupPathOf} from './cgroup-place.ts';
import type {ContainerContext} from './context.ts';
import type {Preparation, PreparedContainer} from './prepare-container.ts';
import {requireExecutable} from './require-executable.ts';
import type {RunRequest} from './run.ts';

interface BundlePreparation extends Preparation {
  readonly request: RunRequest & {readonly bundle: string};
}

const CONFIG_LIMIT_BYTES = 4 * 1024 * 1024;
const SIGTERM = 15;

/**
 * Makes a bundle of its own from somebody's bundle: the same configuration with an absolute rootfs, the caller's choice
 * of a terminal, and a cgroup that winch can find again. The given directory is not written to.
 *
 * @throws {WinchError} `BUNDLE_INVALID`
 * @see runtime-spec v1.0.2 bundle.md
 */
export function prepareBundle(
  _context: ContainerContext,
  {id, request, directories, syscalls}: BundlePreparation,
): PreparedContainer {
  const directory = resolve(request.bundle);
  const spec = readSpec(directory);
  const terminal = request.container?.terminal ?? false;
  const rootPath = isAbsolute(spec.root.path) ? spec.root.path : join(directory, spec.root.path);
  const own = adaptToOwnNamespace({
    ...spec,
    root: {...spec.root, path: rootPath},
    process: {...spec.process, terminal},
    linux: {...spec.linux, cgroupsPath: cgroupPathOf({id, directory: directories.volatile})},
  });
  requireCommand(own, syscalls);
  writeBundleConfig(directories.volatile, own);
  return {terminal, stopSignal: SIGTERM, isChecked: false, rootfsPath: null};
}

function requireCommand(spec: RuntimeSpec, syscalls: Syscalls): void {
  const rootFd = openRootfs(spec.root.path);
  try {
    requireExecutable({syscalls, rootFd, spec, command: spec.process.args[0] ?? ''});
  } finally {
    closeSync(rootFd);
  }
}

function openRootfs(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) throw invalidBundle(`the root file system ${path} is no directory`);
    throw error;
  }
}

function readSpec(directory: string): RuntimeSpec {
  const path = join(directory, 'config.json');
  const value = parseStrictJson(readConfigFile(path), {what: path, limitBytes: CONFIG_LIMIT_BYTES});
  if (isRuntimeSpec(value)) return value;
  throw invalidBundle(`${path} is no runtime configuration with a process and a root`);
}

function readConfigFile(path: string): Buffer {
  try {
    const fd = openSync(path, 'r');
    try {
      if (!fstatSync(fd).isFile()) throw invalidBundle(`${path} is not a regular file`);
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'ENOTDIR')) throw invalidBundle(`${path} does not exist`);
    throw error;
  }
}

const isRuntimeSpec = (value: unknown): value is RuntimeSpec =>
  isRecord(value) &&
  isRecord(value.root) &&
  typeof value.root.path === 'string' &&
  isRecord(value.process) &&
  Array.isArray(value.process.args) &&
  Array.isArray(value.process.env) &&
  typeof value.process.cwd === 'string' &&
  isRecord(value.process.user) &&
  Array.isArray(value.mounts) &&
  isRecord(value.linux);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const invalidBundle = (message: string) =>
  new WinchError('BUNDLE_INVALID', message, {
    kind: 'invalid',
    hint: 'a bundle is a directory with config.json and a root file system',
  });
