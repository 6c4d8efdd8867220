import {buildImage} from '../../fixtures/build-image.ts';
import type {TarEntry} from '../../fixtures/build-tar.ts';
import {dockerSaveEntries, hexOf, plainImage} from './archive-lab.ts';

const manifestEntry = (value: unknown): TarEntry => ({path: 'manifest.json', content: JSON.stringify(value)});
const config = `${hexOf(plainImage.config.digest)}.json`;
const withoutManifest = dockerSaveEntries().filter(({path}) => path !== 'manifest.json');
const layerPaths = plainImage.layers.map(({digest}) => `${hexOf(digest)}/layer.tar`);
const shadow = {path: 'shadow', type: 'symlink', linkPath: '/etc/shadow'} as const;

/** Archives of docker that are refused: what each is, its members, and the code of the refusal. */
export const HOSTILE_ARCHIVES: readonly (readonly [string, readonly TarEntry[], string])[] = [
  [
    'M15 a layer whose path leads out of the archive',
    [...withoutManifest, manifestEntry([{Config: config, Layers: ['../../x', layerPaths[1]]}])],
    'ARCHIVE_INVALID',
  ],
  [
    'M15 an entry whose path leads out of the archive',
    [...dockerSaveEntries(), {path: '../../x', content: 'x'}],
    'ARCHIVE_INVALID',
  ],
  [
    'M15 an entry with an absolute path',
    [...dockerSaveEntries(), {path: '/etc/cron.d/x', content: 'x'}],
    'ARCHIVE_INVALID',
  ],
  [
    'M15 a layer that is a link to a file outside',
    [...withoutManifest, shadow, manifestEntry([{Config: config, Layers: ['shadow', layerPaths[1]]}])],
    'ARCHIVE_INVALID',
  ],
  [
    'M15 a config that is a link to a file outside',
    [
      ...withoutManifest,
      {...shadow, linkPath: '../../../etc/shadow'},
      manifestEntry([{Config: 'shadow', Layers: layerPaths}]),
    ],
    'ARCHIVE_INVALID',
  ],
  [
    'M15 a layer that is a hard link to a file outside',
    [
      ...withoutManifest,
      {path: 'hard', type: 'hardlink', linkPath: '../../etc/shadow'},
      manifestEntry([{Config: config, Layers: ['hard', layerPaths[1]]}]),
    ],
    'ARCHIVE_INVALID',
  ],
  [
    'M15 a config that is a hard link to a link to a file outside',
    [
      ...withoutManifest,
      shadow,
      {path: 'hard', type: 'hardlink', linkPath: 'shadow'},
      manifestEntry([{Config: 'hard', Layers: layerPaths}]),
    ],
    'ARCHIVE_INVALID',
  ],
  [
    'M15 a manifest.json that is a device',
    [...withoutManifest, {path: 'manifest.json', type: 'character', devMajor: 1, devMinor: 5}],
    'ARCHIVE_INVALID',
  ],
  [
    'M15 a sparse file of GNU tar',
    [...withoutManifest, {path: 'manifest.json', type: 'S', content: '[]', format: 'gnu'}],
    'ARCHIVE_INVALID',
  ],
  [
    'M15 a sparse file by its PAX records',
    [...withoutManifest, {path: 'manifest.json', content: '[]', pax: [['GNU.sparse.size', '2147483648']]}],
    'ARCHIVE_INVALID',
  ],
  [
    'M15 links that lead to each other',
    [
      ...withoutManifest,
      {...shadow, linkPath: 'b'},
      {...shadow, path: 'b', linkPath: 'shadow'},
      manifestEntry([{Config: 'shadow', Layers: layerPaths}]),
    ],
    'ARCHIVE_INVALID',
  ],
  [
    'M15 a manifest.json above 1 MiB',
    [...withoutManifest, {path: 'manifest.json', content: Buffer.alloc(1024 * 1024 + 1, ' ')}],
    'LIMIT_FILE',
  ],
  [
    'M15 a manifest.json that says 2 GiB',
    [...withoutManifest, {path: 'manifest.json', content: '[]', size: 2 ** 31}],
    'ARCHIVE_INVALID',
  ],
  ['M15 two files of one name', [...dockerSaveEntries(), manifestEntry([])], 'ARCHIVE_INVALID'],
  [
    'a config that is not its name',
    [
      ...withoutManifest.filter(({path}) => path !== config),
      {path: config, content: buildImage({layers: []}).config.bytes},
      manifestEntry([{Config: config, Layers: layerPaths}]),
    ],
    'DIGEST_MISMATCH',
  ],
  [
    'a layer that is a directory',
    [
      ...withoutManifest,
      {path: 'd/', type: 'directory'},
      manifestEntry([{Config: config, Layers: ['d', layerPaths[1]]}]),
    ],
    'ARCHIVE_INVALID',
  ],
  [
    'fewer layers than the config says',
    [...withoutManifest, manifestEntry([{Config: config, Layers: layerPaths.slice(1)}])],
    'MANIFEST_INVALID',
  ],
  ['a list that is none', [...withoutManifest, manifestEntry({})], 'ARCHIVE_INVALID'],
  [
    'a list with a key twice',
    [...withoutManifest, {path: 'manifest.json', content: '[{"Config":"a","Config":"b"}]'}],
    'ARCHIVE_INVALID',
  ],
  ['paths that are no texts', [...withoutManifest, manifestEntry([{Config: config, Layers: [1]}])], 'ARCHIVE_INVALID'],
  ['an archive without a list', withoutManifest, 'ARCHIVE_INVALID'],
  ['an archive without images', [manifestEntry([])], 'IMAGE_UNKNOWN'],
];
