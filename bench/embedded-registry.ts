// node embedded-registry.ts HOST:PORT LAYOUT: serves the images of an OCI layout from memory until it is ended.
import {readFile} from 'node:fs/promises';
import {join} from 'node:path';
import {startRegistry} from '../fixtures/registry-server.ts';
import {type Digest, digestOf} from '../src/oci/digest.ts';
import {blobPath} from './images/layout.ts';
import {repositoryOf} from './registry.ts';

interface Descriptor {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const [host = '', layout = ''] = process.argv.slice(2);
const {manifests}: {manifests: Descriptor[]} = JSON.parse(await readFile(join(layout, 'index.json'), 'utf8'));
const images = await Promise.all(manifests.map(readImage));
const registry = await startRegistry({port: Number(host.split(':')[1])});
for (const {repository, manifest, blobs} of images) {
  for (const bytes of blobs) registry.putBlob(repository, bytes);
  registry.put(repository, '1', manifest);
}

async function readImage({digest, mediaType, annotations}: Descriptor) {
  const bytes = await readFile(blobPath(layout, digest));
  const {config, layers}: {config: Descriptor; layers: Descriptor[]} = JSON.parse(bytes.toString());
  const blobs = await Promise.all([config, ...layers].map((blob) => readFile(blobPath(layout, blob.digest))));
  const repository = repositoryOf(annotations['org.opencontainers.image.ref.name'] ?? '');
  return {repository, manifest: {bytes, digest: digestOf(bytes), mediaType}, blobs};
}
