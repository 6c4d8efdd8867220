import type {Credential} from '../../registry/credentials.ts';
import type {ImageContext} from '../context.ts';
import type {RegistrySettings} from '../registry-settings.ts';

export interface CopyContext {
  readonly images: ImageContext;
  readonly settings: RegistrySettings;
}

/** How the registry of one side is reached, where that differs. */
export interface SideSettings {
  readonly credential?: Credential | undefined;
  /** False: its certificate need not verify, and plain HTTP is allowed. */
  readonly verifiesTls?: boolean | undefined;
}
