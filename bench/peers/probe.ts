import {join} from 'node:path';
import {CommandFailure, readOutput, type Words} from '../command.ts';
import {crane} from './crane.ts';
import {ctr} from './ctr.ts';
import {docker} from './docker.ts';
import {node} from './node.ts';
import type {Peer, PeerDefinition, ServedImage} from './peer.ts';
import {podman} from './podman.ts';
import {runc} from './runc.ts';
import {skopeo} from './skopeo.ts';
import {tar} from './tar.ts';
import {umoci} from './umoci.ts';
import {winch} from './winch.ts';

/** Every tool that the bench can drive; ratios are to the first that takes part. */
export const PEERS: readonly PeerDefinition[] = [winch, podman, docker, ctr, skopeo, crane, umoci, tar, runc, node];

export interface AbsentPeer {
  readonly name: string;
  readonly reason: string;
}

/** A peer that takes part. */
export interface OpenPeer extends Peer {
  /** Removes everything it has kept. */
  close(): Promise<void>;
}

export interface ProbedPeers {
  readonly present: readonly OpenPeer[];
  readonly absent: readonly AbsentPeer[];
}

export interface ProbeOptions {
  /** Where `BENCH_PODMAN='chroot DIR podman'` and its like are looked up. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Each peer gets a directory in it. */
  readonly stores: string;
  readonly images: readonly ServedImage[];
  readonly signal?: AbortSignal;
}

/**
 * Moves `$1` into `$2`, if it is there.
 *
 * What a peer removes between runs stays on the disk until all is over: ext4 without a journal gives away no inode that
 * was in use within the last minutes, and looks for another one past each of them, so that whoever makes files next
 * would pay for what the last run had (0.1 s of 1.1 s, for a store of 41 layers).
 */
const SET_ASIDE = '[ ! -e "$1" ] || { mkdir -p "$2" && mv -T "$1" "$(mktemp -d "$2/XXXXXX")"; }';

const VERSION = /\d+\.\d+[\w.+~-]*/;

/** Finds out which tools are installed and work, and why the others do not take part. */
export async function probePeers(definitions: readonly PeerDefinition[], options: ProbeOptions): Promise<ProbedPeers> {
  const present: OpenPeer[] = [];
  const absent: AbsentPeer[] = [];
  for (const definition of definitions) {
    const words = wordsOf(definition, options.environment);
    try {
      const output = await readOutput([...words, ...definition.probe], options.signal);
      const version = VERSION.exec(output)?.[0] ?? output.trim();
      present.push(openPeer(definition, {words, version}, options));
    } catch (error) {
      if (!(error instanceof CommandFailure)) throw error;
      absent.push({name: definition.name, reason: error.message});
    }
  }
  return {present, absent};
}

/** The words that start a peer: what its variable says, split at blanks, or its default. */
export function wordsOf({name, words = [name]}: PeerDefinition, environment: ProbeOptions['environment']): Words {
  const given = environment[`BENCH_${name.toUpperCase()}`]?.split(/\s+/).filter((word) => word !== '') ?? [];
  return given.length > 0 ? given : words;
}

/** The words in front of the program itself, such as `chroot DIR`: they put other programs where the peer is. */
export function wrapperOf(words: Words, name: string): Words {
  const program = words.findLastIndex((word) => word === name || word.endsWith(`/${name}`));
  return words.slice(0, Math.max(program, 0));
}

function openPeer(
  definition: PeerDefinition,
  {words, version}: {readonly words: Words; readonly version: string},
  {stores, images}: ProbeOptions,
): OpenPeer {
  const wrapper = wrapperOf(words, definition.name);
  const aside = join(stores, `${definition.name}-removed`);
  const removeDirectory = async (path: string) => {
    await readOutput([...wrapper, 'sh', '-c', SET_ASIDE, 'sh', path, aside]);
  };
  const peer = definition.open({
    words,
    version,
    directory: join(stores, definition.name),
    images,
    removeDirectory,
  });
  const close = async () => {
    await peer.reset();
    await peer.leave?.();
    await readOutput([...wrapper, 'rm', '-rf', '--one-file-system', stores]);
  };
  return {...peer, close};
}
