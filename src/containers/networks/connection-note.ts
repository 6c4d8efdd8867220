import {readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {PluginConfig} from '../../network/cni/run-plugin.ts';
import type {NetworkDefinition} from '../../network/definition.ts';
import type {NetworkLink, PublishedPort} from '../../network/network-mode.ts';
import {namesIn, unlessGone} from '../../store/unless-gone.ts';
import type {ContainerContext} from '../context.ts';
import {volatileParent} from '../directories.ts';
import {CONNECTION_NOTE} from './take-network.ts';

/**
 * How a container is connected to networks, in its directory in memory: written before anything is done, with all that it
 * takes to undo it, and removed when that is done.
 */
export interface ConnectionNote {
  readonly id: string;
  readonly name: string | null;
  readonly hostname: string;
  readonly memberships: readonly Membership[];
  readonly ports: readonly PublishedPort[];
}

/** One device of the container, in one network. */
export interface Membership {
  readonly network: NetworkDefinition;
  readonly device: string;
  readonly aliases: readonly string[];
  /** What it calls other members; absent: as all do. */
  readonly links?: readonly NetworkLink[];
  /** What the plugin was given. */
  readonly config: PluginConfig;
  /** Empty as long as the plugin has not answered. */
  readonly addresses: readonly string[];
  readonly macAddress: string | null;
}

/** A note and the directory of its container. */
export interface NotedConnection extends ConnectionNote {
  readonly directory: string;
}

export function readConnection(directory: string): NotedConnection | null {
  const text = unlessGone(() => readFileSync(join(directory, CONNECTION_NOTE), 'utf8'), null);
  return text === null ? null : {...(JSON.parse(text) as ConnectionNote), directory};
}

/** Whole or not at all. */
export function writeConnection(directory: string, note: ConnectionNote): void {
  const staged = join(directory, `.${CONNECTION_NOTE}`);
  writeFileSync(staged, JSON.stringify(note), {mode: 0o600});
  renameSync(staged, join(directory, CONNECTION_NOTE));
}

export const forgetConnection = (directory: string): void => rmSync(join(directory, CONNECTION_NOTE), {force: true});

/** The connections of all containers of this store, also of those that have ended and whose remains nobody has cleared. */
export const listConnections = (context: ContainerContext): readonly NotedConnection[] =>
  [volatileParent(context), keptParent(context)].flatMap((parent) =>
    namesIn(parent).flatMap((name) => readConnection(join(parent, name)) ?? []),
  );

const keptParent = ({runtimeDirectory}: ContainerContext): string => join(runtimeDirectory, 'kept');
