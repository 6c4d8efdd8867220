import {join} from 'node:path';
import type {Endpoint, HostDirectory, HostFiles, HostPlan, HostWarning, TlsSettings} from './host-plan.ts';
import {apiHost, DOCKER_HUB, type InsecureRegistries, type Insecurity, insecurityOf} from './hosts.ts';
import {type HostsToml, parseHostsToml} from './hosts-toml.ts';
import {type EndpointDraft, findRule, ownEndpoint, readEndpoints} from './plan-endpoints.ts';
import type {RegistriesConf} from './registries-conf.ts';
import {DEFAULT_TLS, findCertificates, NO_TLS_FILES, readTls, type TlsFiles} from './tls-settings.ts';
import {configInvalid} from './toml-document.ts';

export interface HostDirectoryOptions {
  readonly insecureRegistries: InsecureRegistries;
  /** Absent: no file is read. */
  readonly files?: HostFiles;
  /** Candidates for `registries.conf`, the most specific first. */
  readonly registriesConfPaths?: readonly string[] | undefined;
  /** Of containerd: `<directory>/<host>/hosts.toml`. */
  readonly hostsDirectories?: readonly string[] | undefined;
  /** Of docker and containers: `<directory>/<host>/*.crt`. */
  readonly certificateDirectories?: readonly string[] | undefined;
  /** Certificates for every host. */
  readonly certificateDirectory?: string | undefined;
  /** Files of authorities that every host may be signed by. */
  readonly certificateAuthorityFiles?: readonly string[] | undefined;
}

/** What the directory itself knows of, for those who explain it. */
export interface OpenHostDirectory extends HostDirectory {
  registriesConf(): Promise<RegistriesConf>;
}

const NO_FILES: HostFiles = Object.freeze({read: async () => null, list: async () => []});

/** Opens the configuration of registry hosts; nothing is read before a plan needs it. */
export function openHostDirectory(options: HostDirectoryOptions): OpenHostDirectory {
  const {insecureRegistries, files = NO_FILES} = options;
  const context: ReadContext = {...options, files, warnings: []};
  const remember = createMemory();
  const told = new Set<string>();
  const insecurity = (host: string): Insecurity => insecurityOf(host, insecureRegistries);
  const registriesConf = () => remember('registries.conf', async () => await readRegistriesConf(context));
  const rules = () =>
    remember('rules', async () => (await readRegistriesConf(context, {isSkipped: isAboutShortNames})).rules);
  const hostsToml = (registry: string) =>
    remember(`hosts ${registry}`, async () => await readHostsToml(context, registry));
  const hostTls = (host: string) =>
    remember(`certificates ${host}`, async () => await findHostCertificates(context, host));
  const finish = async ({insecurity: reason, entry, ...draft}: EndpointDraft): Promise<Endpoint> => {
    const named = entry !== null && (entry.authorities.length > 0 || entry.client) ? entry : await hostTls(draft.host);
    const isStrict = reason === 'loopback' && named !== null;
    const tls = await readSettings(context, {named, isVerified: reason === null || isStrict});
    return {...draft, tls, origins: isStrict ? draft.origins.filter(isHttps) : draft.origins};
  };
  const plan = async (name: {readonly registry: string; readonly repository: string}): Promise<HostPlan> => {
    const [known, hosts] = await Promise.all([rules(), hostsToml(name.registry)]);
    const rule = findRule(known, name);
    const subject = {...name, insecurityOf: insecurity};
    const endpoints = await Promise.all(readEndpoints(subject, {rule, hosts}).map(finish));
    const pushEndpoint = await finish(ownEndpoint(subject, {rule, hosts}));
    return {registry: name.registry, endpoints, pushEndpoint, blockedBy: rule?.isBlocked ? rule.source : null};
  };
  return {
    registriesConf,
    plan: (name) => remember(`plan ${name.registry}/${name.repository}`, () => plan(name)),
    tls: (host) =>
      remember(`tls ${host}`, async () => {
        const named = await hostTls(host);
        const reason = insecurity(host);
        const isVerified = reason === null || (reason === 'loopback' && named !== null);
        return await readSettings(context, {named, isVerified});
      }),
    takeWarnings: () => {
      const taken = context.warnings.splice(0).filter(({message}) => !told.has(message));
      for (const {message} of taken) told.add(message);
      return taken;
    },
  };
}

interface ReadContext extends Omit<HostDirectoryOptions, 'files'> {
  readonly files: HostFiles;
  readonly warnings: HostWarning[];
}

const isHttps = (origin: string): boolean => origin.startsWith('https:');

/** Runs work once for each key; a failure is forgotten, since a file may be corrected. */
function createMemory() {
  const known = new Map<string, Promise<unknown>>();
  return <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const before = known.get(key) as Promise<T> | undefined;
    if (before) return before;
    const result = work();
    known.set(key, result);
    result.catch(() => known.delete(key));
    return result;
  };
}

/** The main file and the drop-ins beside it and beside the more specific candidates (containers-registries.conf.d(5)). */
async function readRegistriesConf(
  context: ReadContext,
  {isSkipped = () => false}: {readonly isSkipped?: (bytes: Buffer) => boolean} = {},
): Promise<RegistriesConf> {
  const {registriesConfPaths: paths = [], files} = context;
  const found = await Promise.all(paths.map((path) => files.read(path)));
  const at = found.findIndex((bytes) => bytes !== null);
  const last = at === -1 ? paths.length - 1 : at;
  const directories = paths
    .slice(0, last + 1)
    .map((path) => `${path}.d`)
    .reverse();
  const names = await Promise.all(directories.map(async (directory) => listConf(files, directory)));
  const dropIns = names.flat();
  const contents = await Promise.all(dropIns.map((path) => files.read(path)));
  const all = [
    ...(at === -1 ? [] : [{file: paths[at] ?? '', bytes: found[at] ?? null}]),
    ...dropIns.map((file, index) => ({file, bytes: contents[index] ?? null})),
  ].flatMap(({file, bytes}) => (bytes === null || isSkipped(bytes) ? [] : [{file, bytes}]));
  if (all.length === 0) return {rules: [], aliases: new Map(), searchRegistries: null};
  const {mergeRegistriesConfs, parseRegistriesConf} = await import('./registries-conf.ts');
  const warn = (warning: HostWarning) => void context.warnings.push(warning);
  return mergeRegistriesConfs(await Promise.all(all.map(({file, bytes}) => parseRegistriesConf(bytes, {file, warn}))));
}

const SHORT_NAME_LINE =
  /^\s*(?:#.*|\[aliases\]|(?:unqualified-search-registries|short-name-mode)\s*=\s*(?:\[[^\]]*\]|"[^"]*")|"[^"]*"\s*=\s*"[^"]*")?\s*$/;

/** Files as distributions bring them: they say nothing about hosts, and the TOML parser takes longer than all else. */
const isAboutShortNames = (bytes: Buffer): boolean =>
  bytes
    .toString()
    .split('\n')
    .every((line) => SHORT_NAME_LINE.test(line));

const listConf = async (files: HostFiles, directory: string): Promise<readonly string[]> =>
  (await files.list(directory)).filter((name) => name.endsWith('.conf')).map((name) => join(directory, name));

async function readHostsToml(context: ReadContext, registry: string): Promise<HostsToml | null> {
  const {hostsDirectories = [], files} = context;
  for (const directory of hostsDirectories) {
    const names = [...directoryNames(registry), '_default'];
    const paths = names.map((name) => join(directory, name, 'hosts.toml'));
    const found = await Promise.all(paths.map((path) => files.read(path)));
    const at = found.findIndex((bytes) => bytes !== null && bytes.length > 0);
    const [file, bytes] = [paths[at], found[at]];
    if (file === undefined || !bytes) continue;
    return await parseHostsToml(bytes, {file, warn: (warning) => void context.warnings.push(warning)});
  }
  return null;
}

/** The first directory that has certificates for the host; null: none. */
async function findHostCertificates(context: ReadContext, host: string): Promise<TlsFiles | null> {
  const {certificateDirectory, certificateDirectories = [], hostsDirectories = [], files} = context;
  const ofHost = [...certificateDirectories, ...hostsDirectories].flatMap((directory) =>
    [...directoryNames(host), ...(host === DOCKER_HUB ? [apiHost(host)] : [])].map((name) => join(directory, name)),
  );
  const directories = [...(certificateDirectory === undefined ? [] : [certificateDirectory]), ...ofHost];
  const found = await Promise.all(directories.map((directory) => findCertificates(files, directory)));
  if (certificateDirectory !== undefined && !found[0]) {
    throw configInvalid(certificateDirectory, 'it holds no certificates (*.crt, or *.cert with *.key)');
  }
  return found.find((certificates) => certificates !== null) ?? null;
}

/** How a host may be written as the name of a directory. */
function directoryNames(host: string): readonly string[] {
  const port = /^(.+):(\d+)$/.exec(host);
  return port ? [`${port[1]}_${port[2]}_`, host] : [host];
}

async function readSettings(
  {files, certificateAuthorityFiles = []}: ReadContext,
  {named, isVerified}: {readonly named: TlsFiles | null; readonly isVerified: boolean},
): Promise<TlsSettings> {
  if (named === null && isVerified && certificateAuthorityFiles.length === 0) return DEFAULT_TLS;
  const {authorities, client} = named ?? NO_TLS_FILES;
  return await readTls(files, {authorities: [...authorities, ...certificateAuthorityFiles], client}, isVerified);
}
