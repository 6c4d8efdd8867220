import {mkdirSync} from 'node:fs';
import {join} from 'node:path';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {imageOf} from './sample-images.ts';

/** A stored image of these layers, base first, and an empty directory of this machine. */
export async function openLayeredImage(...layers: readonly (readonly TarEntry[])[]) {
  const registry = await startRegistry();
  const store = await openTestStore();
  const directory = makeTemporaryDirectory();
  const add = async (tag: string, ...more: readonly (readonly TarEntry[])[]): Promise<string> => {
    registry.put('app', tag, imageOf(more.map((entries) => buildTar(entries))));
    await store.toolkit.images.pull(`${registry.host}/app:${tag}`, {platform: 'linux/amd64'});
    return `${registry.host}/app:${tag}`;
  };
  const destination = join(directory.path, 'out');
  mkdirSync(destination);
  return {
    ...store,
    registry,
    add,
    images: store.toolkit.images,
    name: await add('1', ...layers),
    /** Of the test's own files. */
    directory: directory.path,
    /** Empty. */
    destination,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
      directory[Symbol.dispose]();
    },
  };
}
