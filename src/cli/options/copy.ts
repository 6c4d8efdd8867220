import type {SideSettings} from '../../images/copy/context.ts';
import type {CopyOptions} from '../../images/copy/copy-image.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flag, grouped, type OptionValues, text} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import type {OpenOptions} from '../command.ts';
import type {Environment} from '../environment.ts';
import {giveCredential} from '../login-settings.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from './registry.ts';

/** What is copied. */
export const CONTENT_FLAGS = {
  platform: text('OS/ARCH[/VARIANT]', 'Only the image for this platform'),
  'all-platforms': flag('Everything that the name leads to, or nothing', {aliases: ['all']}),
  referrers: flag('What refers to it as well: signatures, attestations, SBOMs'),
  foreign: flag('Layers that registries do not hold (Windows) as well, from where the manifest says'),
};

/** One login for two registries would show each what is the other's. */
const {creds: _, 'registry-token': __, ...SHARED_FLAGS} = REGISTRY_FLAGS;

/** Flags of commands between two registries. */
export const SIDE_FLAGS = {
  ...SHARED_FLAGS,
  ...grouped('Registry:', {
    'src-creds': text('USER[:PASSWORD]', 'Log in to the source with these'),
    'dest-creds': text('USER[:PASSWORD]', 'Log in to the target with these'),
    'src-tls-verify': flag('Whether the certificate of the source must verify', {defaultsTo: 'true'}),
    'dest-tls-verify': flag('Whether the certificate of the target must verify', {defaultsTo: 'true'}),
  }),
};

type ContentValues = OptionValues<typeof CONTENT_FLAGS>;
type SideValues = OptionValues<typeof SIDE_FLAGS> & {readonly insecure?: boolean};

/** @throws {WinchError} `FLAGS_CONFLICT` */
export function parseContentFlags(values: ContentValues): Omit<CopyOptions, 'source' | 'target'> {
  const {platform, 'all-platforms': allPlatforms, referrers, foreign} = values;
  if (allPlatforms && platform !== undefined) {
    throw flagsConflict('--platform and --all-platforms exclude one another', 'give one of them');
  }
  return definedMembers({platform, allPlatforms, referrers, foreign});
}

/**
 * What flags say about the registries of the two sides.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseSideFlags(
  values: SideValues,
  environment: Environment,
): {readonly source: SideSettings; readonly target: SideSettings} {
  const side = (creds: string | undefined, verifies: boolean | undefined): SideSettings =>
    definedMembers({
      credential: creds === undefined ? undefined : giveCredential({creds}, environment),
      verifiesTls: verifies === false || values.insecure ? false : undefined,
    });
  return {
    source: side(values['src-creds'], values['src-tls-verify']),
    target: side(values['dest-creds'], values['dest-tls-verify']),
  };
}

/**
 * How the toolkit of a command between two registries is opened. A token of the environment is for the one registry that
 * there is, and for none of two.
 *
 * @param registries Of the two sides, null for what is no registry.
 */
export function openOptions(values: SideValues, registries: readonly (string | null)[]): OpenOptions {
  const named = [...new Set(registries.filter((registry) => registry !== null))];
  const references = named.length === 1 ? named.map((registry) => `${registry}/image`) : [];
  return {references, registry: parseRegistryFlags(values)};
}
