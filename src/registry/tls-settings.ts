import {join} from 'node:path';
import type {HostFiles, TlsSettings} from './host-plan.ts';
import {configInvalid} from './toml-document.ts';

/** The files that TLS with a host is set up from. */
export interface TlsFiles {
  readonly authorities: readonly string[];
  readonly client: {readonly certificate: string; readonly key: string} | null;
}

export const NO_TLS_FILES: TlsFiles = Object.freeze({authorities: [], client: null});

/** What holds for a host that nothing is set for. */
export const DEFAULT_TLS: TlsSettings = Object.freeze({isVerified: true, authorities: [], client: null, files: []});

const CERTIFICATE = '-----BEGIN CERTIFICATE-----';

/**
 * The certificates in a directory: `*.crt` are authorities, `*.cert` with the `*.key` of the same name is shown to the
 * host. Null: the directory holds none, or is not there.
 *
 * @throws {WinchError} `REGISTRY_CONFIG_INVALID`: a certificate or a key stands alone.
 * @see containers-certs.d(5)
 */
export async function findCertificates(files: HostFiles, directory: string): Promise<TlsFiles | null> {
  const names = await files.list(directory);
  // hosts.toml names the certificates beside it itself.
  if (names.includes('hosts.toml')) return null;
  const authorities = names.filter((name) => name.endsWith('.crt')).map((name) => join(directory, name));
  const certificates = names.filter((name) => name.endsWith('.cert'));
  const keys = names.filter((name) => name.endsWith('.key'));
  const partner = (name: string) => name.replace(/(cert|key)$/, (end) => (end === 'key' ? 'cert' : 'key'));
  const lone = [...certificates, ...keys].find((name) => !names.includes(partner(name)));
  if (lone !== undefined) {
    const hint = lone.endsWith('.cert') ? '; certificates of authorities end in .crt' : '';
    throw configInvalid(join(directory, lone), `there is no ${partner(lone)} beside it${hint}`);
  }
  const [certificate] = certificates;
  if (authorities.length === 0 && certificate === undefined) return null;
  const client =
    certificate === undefined
      ? null
      : {certificate: join(directory, certificate), key: join(directory, partner(certificate))};
  return {authorities, client};
}

/**
 * Reads the certificates.
 *
 * @throws {WinchError} `REGISTRY_CONFIG_INVALID`: a file is missing or holds none.
 */
export async function readTls(files: HostFiles, named: TlsFiles, isVerified: boolean): Promise<TlsSettings> {
  const {authorities, client} = named;
  const paths = [...authorities, ...(client ? [client.certificate, client.key] : [])];
  if (paths.length === 0 && isVerified) return DEFAULT_TLS;
  return {
    isVerified,
    authorities: (await Promise.all(authorities.map((path) => readPem(files, path, CERTIFICATE)))).flatMap(splitPem),
    client: client && {
      certificate: await readPem(files, client.certificate, CERTIFICATE),
      key: await readPem(files, client.key, 'PRIVATE KEY-----'),
    },
    files: [...new Set(paths)],
  };
}

async function readPem(files: HostFiles, path: string, marker: string): Promise<string> {
  const bytes = await files.read(path);
  if (bytes === null) throw configInvalid(path, 'there is no such file');
  const text = bytes.toString('latin1');
  if (!text.includes(marker))
    throw configInvalid(path, `it holds no ${marker.replace(/-----(BEGIN )?/g, '').toLowerCase()} (PEM)`);
  return text;
}

const splitPem = (text: string): readonly string[] =>
  text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
