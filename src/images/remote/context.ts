import type {CallOptions} from '../../events.ts';
import type {ImageContext} from '../context.ts';

/** What calls about registries work with; none of them touches the store. */
export type RemoteContext = Pick<ImageContext, 'registry' | 'hostPlatform'>;

export interface RemotePlatformOptions extends CallOptions {
  /** Follows an index to the manifest for this platform (`linux/arm64`). Absent: what the name itself leads to. */
  readonly platform?: string | undefined;
}
