import type {RegistrySettings} from '../../images/registry-settings.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flag, grouped, list, type OptionValues, text} from '../arguments/option-table.ts';
import {type LoginFlags, onlyAuthFile} from '../login-settings.ts';
import {parseInteger} from './number.ts';

const ONE_DAY = {minimum: 0, maximum: 86_400};

/** Flags of every command that may ask a registry. */
export const REGISTRY_FLAGS = grouped('Registry:', {
  authfile: text('FILE', 'Logins in the format of containers-auth.json; $REGISTRY_AUTH_FILE otherwise'),
  creds: text('USER[:PASSWORD]', 'Log in with these; without a password, $WINCH_PASSWORD has it'),
  'registry-token': text('TOKEN', 'Send this bearer token; $WINCH_REGISTRY_TOKEN otherwise'),
  'tls-verify': flag('Whether certificates must verify; --tls-verify=false allows plain HTTP as well', {
    defaultsTo: 'true',
  }),
  'cert-dir': text('DIR', 'Certificate authorities (*.crt) and a client certificate (*.cert, *.key)'),
  cacert: list('FILE', 'Trust this certificate authority (PEM) as well'),
  'retry-for': text('SECONDS', 'Try again for so long what fails on the network; 0: never', {defaultsTo: '60'}),
});

/** Settings, and a login that still lacks its registries and what the environment adds. */
export type RegistryFlagSettings = Partial<Omit<RegistrySettings, 'runtimeDirectory'>> & {readonly login?: LoginFlags};

/** What these flags say about registries; what they leave open is as the environment has it. */
export function parseRegistryFlags(values: OptionValues<typeof REGISTRY_FLAGS>): RegistryFlagSettings {
  const {authfile, creds, 'registry-token': registryToken, 'retry-for': retryFor} = values;
  const settings = definedMembers({
    insecureRegistries: values['tls-verify'] === false ? ('all' as const) : undefined,
    certificateAuthorityFiles: values.cacert,
    certificateDirectory: values['cert-dir'],
    retryPolicy: retryFor === undefined ? undefined : {budgetMs: parseInteger('--retry-for', retryFor, ONE_DAY) * 1000},
  });
  const login = definedMembers({creds, registryToken});
  return {...settings, ...(authfile !== undefined && onlyAuthFile(authfile)), login};
}
