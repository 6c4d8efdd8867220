import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {type BuiltDocument, type BuiltImage, type BuiltIndex, describeDocument} from '../../fixtures/build-image.ts';

const REFERENCE_NAME = 'org.opencontainers.image.ref.name';

/**
 * Writes images into a new directory as an OCI image layout, by their names.
 *
 * @see image-spec v1.1.1 image-layout.md
 */
export function writeImageLayout(directory: string, images: Readonly<Record<string, BuiltImage | BuiltIndex>>): void {
  const blobs = join(directory, 'blobs', 'sha256');
  mkdirSync(blobs, {recursive: true});
  const manifests = Object.entries(images).map(([name, image]) => {
    for (const [digest, bytes] of documentsOf(image)) writeFileSync(join(blobs, digest.replace('sha256:', '')), bytes);
    return {...describeDocument(documentOf(image)), annotations: {[REFERENCE_NAME]: name}};
  });
  writeFileSync(join(directory, 'oci-layout'), JSON.stringify({imageLayoutVersion: '1.0.0'}));
  writeFileSync(join(directory, 'index.json'), JSON.stringify({schemaVersion: 2, manifests}));
}

const documentOf = (image: BuiltImage | BuiltIndex): BuiltDocument => ('index' in image ? image.index : image.manifest);

function documentsOf(image: BuiltImage | BuiltIndex): readonly (readonly [digest: string, bytes: Buffer])[] {
  const {digest, bytes} = documentOf(image);
  const parts = 'index' in image ? image.images.flatMap(documentsOf) : [...image.blobs];
  return [[digest, bytes], ...parts];
}
