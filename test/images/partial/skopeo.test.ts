import {randomBytes} from 'node:crypto';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildImage} from '../../../fixtures/build-image.ts';
import {buildTar, type TarEntry} from '../../../fixtures/build-tar.ts';
import {startDockerRegistry} from '../../helpers/docker-registry.ts';
import {writeImageLayout} from '../../helpers/image-layout.ts';
import {openTestStore} from '../../helpers/open-store.ts';
import {findProgram} from '../../helpers/requires.ts';
import {requireProgram} from '../../helpers/run-program.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';

const skip = findProgram('docker-registry') && findProgram('skopeo') ? undefined : 'needs docker-registry and skopeo';
const NOISE = randomBytes(1_500_000);
const HOLE = Buffer.concat([NOISE.subarray(0, 70_000), Buffer.alloc(300_000), NOISE.subarray(0, 50_000)]);
const LAYERS: readonly (readonly TarEntry[])[] = [
  [
    {path: 'etc/', type: 'directory'},
    {path: 'etc/name', content: 'lower', mtime: 12.25},
    {path: 'etc/gone', content: 'gone'},
    {path: 'noise', content: NOISE, xattrs: {'user.a': 'b'}},
    {path: 'same', type: 'hardlink', linkPath: 'noise'},
    {path: 'link', type: 'symlink', linkPath: '/etc/name'},
    {path: 'empty', content: ''},
  ],
  [{path: 'etc/name', content: 'upper'}, {path: 'etc/.wh.gone'}, {path: 'hole', content: HOLE}],
];

describe('images/partial of an image that skopeo packs as zstd:chunked', ({test}) => {
  test(
    'reads what was packed, and little else',
    async () => {
      await using registry = await startDockerRegistry();
      await using store = await openTestStore();
      using directory = makeTemporaryDirectory();
      const layout = join(directory.path, 'layout');
      const image = buildImage({layers: LAYERS.map((entries) => buildTar(entries)), compression: 'none'});
      writeImageLayout(layout, {app: image});
      const reference = `${registry.host}/app:1`;
      const words = ['copy', '--format', 'oci', '--dest-tls-verify=false', '--dest-compress-format', 'zstd:chunked'];
      await requireProgram('skopeo', [...words, `oci:${layout}:app`, `docker://${reference}`]);
      const read = async (path: string): Promise<Buffer> => {
        const options = {policy: 'missing', platform: 'linux/amd64'} as const;
        const {content, close} = await store.toolkit.images.readFile({reference, path}, options);
        try {
          return await buffer(content);
        } finally {
          close();
        }
      };
      assert.is((await read('/link')).toString(), 'upper');
      assert.ok((await read('/noise')).equals(NOISE));
      assert.ok((await read('/same')).equals(NOISE));
      assert.ok((await read('/hole')).equals(HOLE));
      assert.is((await read('/empty')).length, 0);
      let code = '';
      await read('/etc/gone').catch((error) => {
        code = error.code;
      });
      assert.is(code, 'PATH_UNKNOWN');
      // Nothing of it was pulled.
      assert.equal(await store.toolkit.images.list(), []);
    },
    {skip},
  );
});
