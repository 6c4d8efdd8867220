import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {type Lock, openLockDirectory} from '../host/locks.ts';
import {listImagesInUse} from '../images/images-in-use.ts';
import type {ContainerContext} from './context.ts';
import {sweepDeadContainers, volatileParent} from './directories.ts';
import {nameFromId} from './random-name.ts';

const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/;
const NAME_FILE = 'name';

export interface NameRequest {
  readonly id: string;
  readonly name: string;
}

/** @throws {WinchError} `NAME_INVALID` */
export function requireValidName(name: string): void {
  if (NAME_PATTERN.test(name)) return;
  throw new WinchError('NAME_INVALID', `${name} is no container name`, {
    kind: 'invalid',
    hint: 'letters, digits, "_", "." and "-" are allowed, a letter or digit first',
  });
}

/** Holds off whoever wants a name. */
export const lockNames = ({runtimeDirectory}: ContainerContext, {signal}: CallOptions): Promise<Lock> =>
  openLockDirectory(join(runtimeDirectory, 'locks')).acquire('names', {mode: 'exclusive', signal});

/**
 * Takes a name for a run; it is free again when the run's directory is gone.
 *
 * @throws {WinchError} `NAME_IN_USE` naming the holder
 */
export async function takeName(
  context: ContainerContext,
  {id, name}: NameRequest,
  {signal}: CallOptions,
): Promise<void> {
  using _lock = await lockNames(context, {signal});
  await requireNoRunOf(context, {id, name});
  requireNotKept(context, name);
  writeFileSync(join(volatileParent(context), id, NAME_FILE), name, {mode: 0o600});
}

/**
 * @param request.id Whose own name it may be.
 * @throws {WinchError} `NAME_IN_USE`: a run has this name
 */
export async function requireNoRunOf(context: ContainerContext, {id, name}: NameRequest): Promise<void> {
  const {inUse: alive} = await sweepDeadContainers(context);
  const holder = alive.find((other) => other !== id && readName(context, other) === name);
  if (holder !== undefined) throw nameInUse(name, {holder, how: 'running', hint: 'wait for it to end'});
}

/** @throws {WinchError} `NAME_IN_USE`: a container that is kept has this name */
export function requireNotKept({store}: ContainerContext, name: string): void {
  const use = listImagesInUse(store).find((other) => other.isKept && other.name === name);
  if (use) throw nameInUse(name, {holder: use.containerId, how: 'existing', hint: 'remove it'});
}

interface NameUse {
  readonly holder: string;
  readonly how: string;
  readonly hint: string;
}

const nameInUse = (name: string, {holder, how, hint}: NameUse): WinchError =>
  new WinchError('NAME_IN_USE', `the name ${name} belongs to the ${how} container ${holder.slice(0, 12)}`, {
    kind: 'runtime',
    hint: `${hint}, or choose another name`,
    details: {name, holder},
  });

/** The name of a run: the one that it was given, or else that of its id. */
export function readName(context: ContainerContext, id: string): string {
  try {
    return readFileSync(join(volatileParent(context), id, NAME_FILE), 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return nameFromId(id);
    throw error;
  }
}
