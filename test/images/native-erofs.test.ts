import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {createRandom} from '../../bench/images/random.ts';
import {type BuiltImage, buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {writeImageLayout} from '../helpers/image-layout.ts';
import {openTestStore, type TestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const IMAGE = 'native:1';
/** As builders of such images call them. */
const NATIVE_TYPES = [
  'application/vnd.erofs.layer.v1',
  'application/vnd.erofs',
  'application/vnd.oci.image.layer.v1.erofs',
  'application/vnd.oci.image.layer.v1.erofs+zstd',
] as const;
const TREE = buildTar([
  {path: 'inside/', type: 'directory'},
  {path: 'inside/file', content: 'of the file system\n'},
]);
const ROUNDS = 60;

/** Layers that are file systems themselves, which the kernel would have to trust. */
describe('images (native erofs layers)', ({test, before, after}) => {
  const directory = makeTemporaryDirectory();
  let store: TestStore;
  let fileSystem: Buffer;
  before(async () => {
    store = await openTestStore({durability: 'fast'});
    fileSystem = await buildFileSystem();
  });
  after(async () => {
    await store[Symbol.asyncDispose]();
    directory[Symbol.dispose]();
  });

  /** A layer file as winch makes it is a whole file system that the kernel mounts. */
  const buildFileSystem = async (): Promise<Buffer> => {
    await using source = await openTestStore({durability: 'fast'});
    await loadInto(source, buildImage({layers: [TREE], compression: 'none'}));
    return readFileSync(listFileSystems(source)[0] ?? '');
  };
  const loadInto = async ({toolkit}: TestStore, image: BuiltImage) => {
    const layout = join(directory.path, 'layout');
    writeImageLayout(layout, {[IMAGE]: image});
    return await toolkit.images.load(layout);
  };
  const listFileSystems = ({root}: TestStore): readonly string[] => {
    const layers = join(root, 'layers');
    const names = existsSync(layers) ? readdirSync(layers, {recursive: true}).map(String) : [];
    return names.filter((name) => name.endsWith('.erofs')).map((name) => join(layers, name));
  };
  const imageOf = (layer: Buffer, mediaType: string): BuiltImage => {
    const {manifest, ...image} = buildImage({layers: [layer], compression: 'none'});
    const [{digest, bytes} = fail()] = image.layers;
    return buildImage({
      ...{layers: [layer], compression: 'none'},
      manifest: {layers: [{mediaType, digest, size: bytes.length}]},
    });
  };

  test('U18 a layer of a registry that says it is a file system is refused, whatever is in it', async () => {
    const random = createRandom(18);
    for (const mediaType of NATIVE_TYPES) {
      for (let round = 0; round < ROUNDS / NATIVE_TYPES.length; round += 1) {
        const bytes = Buffer.from(fileSystem);
        // The first is whole.
        for (let count = 0; count < round; count += 1)
          bytes[1024 + random.below(bytes.length - 1024)] = random.below(256);
        const error = await rejectionOf(loadInto(store, imageOf(bytes, mediaType)));
        assert.is(error.code, 'LAYER_UNSUPPORTED', mediaType);
        assert.equal(listFileSystems(store), []);
      }
    }
  });

  test('U18 a file system that says it is a tar is read as one, and nothing of it is mounted', async () => {
    await loadInto(store, imageOf(fileSystem, 'application/vnd.oci.image.layer.v1.tar'));
    const {layers} = await store.toolkit.images.inspect(IMAGE);
    assert.is(layers.length, 1);
    const [own = ''] = listFileSystems(store);
    const bytes = readFileSync(own);
    assert.ok(bytes.subarray(4096, 4096 + fileSystem.length).equals(fileSystem), 'as the content of a tar');
    assert.not.ok(bytes.subarray(0, 4096).equals(fileSystem.subarray(0, 4096)), 'with an index of its own');
  });
});

const fail = (): never => {
  throw new Error('an image without a layer');
};
