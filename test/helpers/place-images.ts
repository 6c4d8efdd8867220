import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';

/** References of images that a store in an unusual place is to hold. */
export interface PlaceImages {
  /** Of two layers, the upper of which hides a file of the lower one; it can run. */
  readonly app: string;
  readonly other: string;
}

export const APP_FILE = {path: 'etc/place', content: 'it is there'};

export async function servePlaceImages(): Promise<{readonly registry: RegistryServer} & PlaceImages> {
  const registry = await startRegistry();
  const upper = buildTar([APP_FILE, {path: 'etc/.wh.group', content: ''}]);
  registry.put('app', '1', busyboxImage({layers: [upper]}));
  registry.put('other', '1', buildImage({layers: [buildTar([{path: 'text', content: 'text'}])]}));
  return {registry, app: `${registry.host}/app:1`, other: `${registry.host}/other:1`};
}

/** A command line that prints the content of `APP_FILE` and writes beside it. */
export const runWords = (image: string): readonly string[] => {
  const script = `cat /${APP_FILE.path} && echo more > /etc/more && ! test -e /etc/group`;
  return ['run', '--network', 'none', image, 'sh', '-c', script];
};
