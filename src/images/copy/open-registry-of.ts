import type {RegistryClient} from '../../registry/client.ts';
import {openRegistry} from '../open-registry.ts';
import type {CopyContext, SideSettings} from './context.ts';

export interface SideRegistry {
  readonly client: RegistryClient;
  close(): void;
}

/** The toolkit's own client, or one of its own for a side with settings of its own, whose login goes nowhere else. */
export async function openRegistryOf(
  {images, settings}: CopyContext,
  registry: string,
  {credential, verifiesTls}: SideSettings = {},
): Promise<SideRegistry> {
  if (credential === undefined && verifiesTls !== false) {
    return {client: await images.registry(), close: () => {}};
  }
  const {insecureRegistries = []} = settings;
  const insecure = insecureRegistries === 'all' ? insecureRegistries : [...insecureRegistries, registry];
  const client = openRegistry({
    ...settings,
    ...(verifiesTls === false && {insecureRegistries: insecure}),
    ...(credential && {credential: {registries: [registry], credential}}),
  });
  return {client, close: () => client.close()};
}
