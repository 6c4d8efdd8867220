import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno, WinchError} from '../errors.ts';
import type {CallOptions} from '../events.ts';
import {openLockDirectory} from '../host/locks.ts';
import type {ContainerContext} from './context.ts';
import {sweepDeadContainers, volatileParent} from './directories.ts';

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
  const locks = openLockDirectory(join(context.runtimeDirectory, 'locks'));
  using _lock = await locks.acquire('names', {mode: 'exclusive', signal});
  const {inUse: alive} = await sweepDeadContainers(context);
  const holder = alive.find((other) => other !== id && readName(context, other) === name);
  if (holder !== undefined) {
    throw new WinchError('NAME_IN_USE', `the name ${name} belongs to the running container ${holder.slice(0, 12)}`, {
      kind: 'runtime',
      hint: 'wait for it to end, or choose another name',
    });
  }
  writeFileSync(join(volatileParent(context), id, NAME_FILE), name, {mode: 0o600});
}

function readName(context: ContainerContext, id: string): string | null {
  try {
    return readFileSync(join(volatileParent(context), id, NAME_FILE), 'utf8');
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
