import type {Words} from '../command.ts';
import type {ImageName} from '../images/recipes.ts';

/** An image of the bench as peers find it. */
export interface ServedImage {
  readonly name: ImageName;
  /** At the registry of this run. */
  readonly reference: string;
  /** The same image on disk: an OCI layout directory in which it is called `name`. */
  readonly layout: string;
  /** Files of its compressed layers, base first. */
  readonly layerFiles: readonly string[];
}

/** What a peer can do, as commands that are timed from start to exit. */
export interface PeerCommands {
  readonly version?: Words;
  readonly pull?: (image: ServedImage) => Words;
  /** Downloads blobs and documents, and unpacks nothing. */
  readonly fetch?: (image: ServedImage) => Words;
  /** Asks whether anything is new. */
  readonly digest?: (image: ServedImage) => Words;
  /** What no pull of this image can be faster than. */
  readonly pullFloor?: (image: ServedImage) => Words;
  readonly run?: (image: ServedImage) => Words;
  readonly unpack?: (image: ServedImage) => Words;
  readonly remove?: (image: ServedImage) => Words;
}

/** A tool under comparison that is installed and works. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  /** What a reader of its figures must know. */
  readonly note?: string;
  /** Its work is done by another process, whose memory nobody watches. */
  readonly hasDaemon?: boolean;
  readonly commands: PeerCommands;
  /** Makes an image present, where that is not what its pull does. */
  readonly load?: (image: ServedImage) => Promise<void>;
  /** Leaves its store without any image of the bench. */
  reset(): Promise<void>;
  /** Removes what is left besides its store and its directory. */
  readonly leave?: () => Promise<void>;
  /** Removes what its unpack has made. */
  readonly removeBundle?: () => Promise<void>;
}

/** What a peer gets to work with. */
export interface PeerSetting {
  readonly words: Words;
  readonly version: string;
  /** For whatever it keeps; not there until it makes it. */
  readonly directory: string;
  readonly images: readonly ServedImage[];
  /** Takes a directory away, as the peer sees it, which may be from inside another root. */
  removeDirectory(path: string): Promise<void>;
}

export interface PeerDefinition {
  readonly name: string;
  /** Default: its name. */
  readonly words?: Words;
  /** Arguments that prove that it works (daemon included) and print its version. */
  readonly probe: Words;
  open(setting: PeerSetting): Peer;
}
