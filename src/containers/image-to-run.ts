import type {PullPolicy} from '../images/pull.ts';
import type {CopyIn, CopyOut} from './files/run-copies.ts';

export interface ImageToRun {
  readonly image: string;
  readonly platform?: string | undefined;
  readonly policy?: PullPolicy | undefined;
  /**
   * Whether an image that is not in the store is run without a pull: of layers in eStargz and zstd:chunked only what the
   * container reads is fetched, while it runs, and nothing of it comes into the store. Default: false.
   *
   * Verified are the manifest and the config, as for a pull; the tables of contents, whose digests the manifest has; and
   * each piece of content, whose digest its table has, before the container sees a byte of it. Not verified are the diff
   * ids of such layers: that takes all of them. What cannot be fetched, or is wrong, is an input/output error in the
   * container, and told as a warning with the code of what went wrong.
   *
   * Where that cannot be (this takes root, Linux 6.12, `/dev/fuse`, and such a layer) the image is pulled, and the warning
   * `LAZY_FALLBACK` says why.
   */
  readonly lazy?: boolean | undefined;
  /** Files of this machine that are there when the command starts; they belong to root. */
  readonly copyIn?: readonly CopyIn[] | undefined;
  /** Files that are taken out when the command has ended, also when it failed. */
  readonly copyOut?: readonly CopyOut[] | undefined;
}
