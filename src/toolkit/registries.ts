import type {ImageContext} from '../images/context.ts';
import type {RegistrySettings} from '../images/registry-settings.ts';

export interface RegistriesContext {
  readonly images: ImageContext;
  readonly settings: RegistrySettings;
}

/** Registries as they are: nothing here touches the store. */
// biome-ignore lint/complexity/noBannedTypes: its first calls are about to come
export type Registries = {};

export const openRegistries = (_context: RegistriesContext): Registries => ({});
