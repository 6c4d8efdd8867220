import {buildImage, type ImageSource} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';

const file = (path: string, content: string) => ({path, content: Buffer.from(content)});

export const baseTar = buildTar([file('etc/os-release', 'NAME=base\n'), file('bin/tool', 'tool')]);
export const appTar = buildTar([file('srv/app', 'app'), file('bin/tool', 'newer tool')]);
export const otherTar = buildTar([file('srv/other', 'other')]);

/** An image of these tars for linux/amd64. */
export const imageOf = (layers: readonly Buffer[], source: Partial<ImageSource> = {}) =>
  buildImage({layers, ...source});
