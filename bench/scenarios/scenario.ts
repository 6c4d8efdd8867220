import {timeCommand} from '../command.ts';
import type {Contender} from '../measure.ts';
import type {Peer, ServedImage} from '../peers/peer.ts';

/** One thing that users wait for, and how each peer does it. */
export interface Scenario {
  readonly name: string;
  /** What is timed, for the reader of the report. */
  readonly title: string;
  /** This peer's part with this image; null where it has none. */
  contenderFor(peer: Peer, image: ServedImage): Omit<Contender, 'name'> | null;
  /** The image makes no difference: once is enough. */
  readonly isImageless?: boolean;
}

/** Makes an image present in a peer's store. */
export async function load(peer: Peer, image: ServedImage): Promise<void> {
  if (peer.load) return peer.load(image);
  const pull = peer.commands.pull?.(image);
  if (pull === undefined) throw new Error(`${peer.name} cannot make an image present`);
  await timeCommand(pull);
}
