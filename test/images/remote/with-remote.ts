import {type BuiltDocument, buildImage, buildIndex, jsonDocument} from '../../../fixtures/build-image.ts';
import {buildTar} from '../../../fixtures/build-tar.ts';
import {type RegistryServer, type RegistryServerOptions, startRegistry} from '../../../fixtures/registry-server.ts';
import type {Registries} from '../../../src/toolkit.ts';
import {openTestStore} from '../../helpers/open-store.ts';

const tar = (text: string): Buffer => buildTar([{path: 'file', content: Buffer.from(text)}]);

export const AMD64 = buildImage({
  layers: [tar('base'), tar('app')],
  config: {
    Entrypoint: ['/bin/app'],
    Cmd: ['serve'],
    Env: ['A=b'],
    Labels: {'org.example.name': 'app'},
    WorkingDir: '/srv',
    User: '1000',
    ExposedPorts: {'80/tcp': {}},
    Volumes: {'/data': {}},
  },
  manifest: {annotations: {'org.example.note': 'amd64'}},
});
export const ARM64 = buildImage({layers: [tar('base')], platform: {os: 'linux', architecture: 'arm64', variant: 'v8'}});
export const INDEX = buildIndex([AMD64, ARM64]);

export interface Remote {
  readonly registry: RegistryServer;
  readonly registries: Registries;
  /** `host/team/app`, which holds {@link INDEX} as `1.0` and {@link AMD64} as `amd64`. */
  readonly name: string;
  /** What was asked, as `METHOD class`, but for the first look at the registry. */
  asked(): readonly string[];
}

/** Runs `body` against a fixture registry and a toolkit, and closes both. */
export async function withRemote(options: RegistryServerOptions, body: (remote: Remote) => Promise<void>) {
  await using registry = await startRegistry(options);
  registry.put('team/app', '1.0', INDEX);
  registry.put('team/app', 'amd64', AMD64);
  await using store = await openTestStore();
  const asked = () =>
    registry.requests.filter(({class: kind}) => kind !== 'ping').map(({method, class: kind}) => `${method} ${kind}`);
  await body({registry, registries: store.toolkit.registries, name: `${registry.host}/team/app`, asked});
}

/** An artifact manifest about another manifest. */
export const buildReferrer = (
  subject: BuiltDocument,
  artifactType: string,
  annotations: Readonly<Record<string, string>> = {},
): BuiltDocument =>
  jsonDocument('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType,
    config: {mediaType: 'application/vnd.oci.empty.v1+json', digest: AMD64.config.digest, size: 2},
    layers: [],
    subject: {mediaType: subject.mediaType, digest: subject.digest, size: subject.bytes.length},
    annotations,
  });

export async function readAll(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}
