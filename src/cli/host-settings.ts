import {isAbsolute, join} from 'node:path';
import type {RegistrySettings} from '../images/registry-settings.ts';
import type {Environment} from './environment.ts';

type HostSettings = Pick<
  RegistrySettings,
  'certificateDirectories' | 'hostsDirectories' | 'proxyEnvironment' | 'registriesConfPaths'
>;

const PROXY_VARIABLES: readonly string[] = Object.freeze([
  'HTTP_PROXY',
  'http_proxy',
  'HTTPS_PROXY',
  'https_proxy',
  'NO_PROXY',
  'no_proxy',
]);

/**
 * Where this machine says how registries are reached: the files of podman, containerd and docker, a user's own before
 * the machine's. `$CONTAINERS_REGISTRIES_CONF` stands for every `registries.conf`, `$WINCH_CERTS_DIRS` (separated by
 * colons) for every `certs.d`.
 */
export function findHostSettings({variables, homeDirectory}: Environment): HostSettings {
  const {CONTAINERS_REGISTRIES_CONF: conf, WINCH_CERTS_DIRS: certsDirectories, XDG_CONFIG_HOME: xdg} = variables;
  const config = xdg !== undefined && isAbsolute(xdg) ? xdg : join(homeDirectory, '.config');
  const proxies = PROXY_VARIABLES.flatMap((name) => (variables[name] ? [[name, variables[name]] as const] : []));
  return {
    registriesConfPaths: conf
      ? [conf]
      : [config, '/etc', '/usr/share'].map((directory) => join(directory, 'containers', 'registries.conf')),
    ...(certsDirectories === undefined ? findCertsDirectories(config) : splitDirectories(certsDirectories)),
    ...(proxies.length > 0 && {proxyEnvironment: Object.fromEntries(proxies)}),
  };
}

/** @see containers-certs.d(5), containerd docs/hosts.md */
function findCertsDirectories(config: string): HostSettings {
  const of = (name: string) => [config, '/etc'].map((directory) => join(directory, name, 'certs.d'));
  return {hostsDirectories: [...of('containerd'), ...of('docker')], certificateDirectories: of('containers')};
}

function splitDirectories(text: string): HostSettings {
  const directories = text.split(':').filter((path) => path !== '');
  return {hostsDirectories: directories, certificateDirectories: []};
}
