import {existsSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {WinchError} from '../../errors.ts';
import type {NetworkDefinition} from '../../network/definition.ts';
import {unlessGone} from '../../store/unless-gone.ts';
import type {ContainerContext} from '../context.ts';
import {listConnections} from './connection-note.ts';
import {leftFile, lockNetworks} from './places.ts';
import {settleNetworks} from './settle.ts';

/** Notes that something of networks could not be cleared from this machine. Whoever calls holds the lock of the networks. */
export function noteLeft(context: ContainerContext, networks: readonly NetworkDefinition[]): void {
  const path = leftFile(context);
  const all = new Map([...readLeft(path), ...networks].map((network) => [network.name, network]));
  const staged = join(path, '..', '.left.json');
  writeFileSync(staged, JSON.stringify([...all.values()]), {mode: 0o600});
  renameSync(staged, path);
}

/**
 * Clears what is noted so; without effect where nothing is.
 *
 * @throws {WinchError} as `settleNetworks`
 */
export async function settleLeft(context: ContainerContext): Promise<void> {
  using _lock = await lockNetworks(context);
  const path = leftFile(context);
  if (!existsSync(path)) return;
  await settleNetworks(context, listConnections(context), readLeft(path));
  rmSync(path, {force: true});
}

/** What to tell somebody who has not asked for it. */
export const describeLeft = ({message, hint}: WinchError): string =>
  `rules or bridges of a container that has ended stay on this machine for now: ${message}` +
  `${hint === undefined ? '' : ` (${hint})`}; the next command of containers clears them`;

const readLeft = (path: string): readonly NetworkDefinition[] =>
  JSON.parse(unlessGone(() => readFileSync(path, 'utf8'), '[]')) as readonly NetworkDefinition[];
