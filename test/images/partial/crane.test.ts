import {randomBytes} from 'node:crypto';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildTar} from '../../../fixtures/build-tar.ts';
import {startDockerRegistry} from '../../helpers/docker-registry.ts';
import {openTestStore} from '../../helpers/open-store.ts';
import {findProgram} from '../../helpers/requires.ts';
import {requireProgram} from '../../helpers/run-program.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';

const skip = findProgram('docker-registry') && findProgram('crane') ? undefined : 'needs docker-registry and crane';
/** Of more than one piece, as the eStargz library cuts them. */
const NOISE = randomBytes(9_000_000);

describe('images/partial of an image that crane packs as eStargz', ({test}) => {
  test(
    'reads what was packed, and pulls nothing',
    async () => {
      await using registry = await startDockerRegistry();
      await using store = await openTestStore();
      using directory = makeTemporaryDirectory();
      const tar = join(directory.path, 'layer.tar');
      const name = {path: 'etc/name', content: 'name', mtime: 12, xattrs: {'user.a': 'b'}};
      const links = [
        {path: 'same', type: 'hardlink', linkPath: 'noise'},
        {path: 'link', type: 'symlink', linkPath: '/etc/name'},
      ];
      writeFileSync(tar, buildTar([name, {path: 'noise', content: NOISE}, ...links, {path: 'empty', content: ''}]));
      const reference = `${registry.host}/app:1`;
      const words = ['GGCR_EXPERIMENT_ESTARGZ=1', 'crane', 'append', '--insecure', '-f', tar, '-t', reference];
      await requireProgram('env', words);
      const sources = ['/link', '/noise', '/same', '/empty'].map((path) => ({reference, path}));
      const {files, close} = await store.toolkit.images.readFiles(sources, {policy: 'missing'});
      const contents = [];
      for (const {content} of files) contents.push(await buffer(content));
      close();
      assert.is(contents[0]?.toString(), 'name');
      assert.ok(contents[1]?.equals(NOISE));
      assert.ok(contents[2]?.equals(NOISE));
      assert.is(contents[3]?.length, 0);
      assert.equal(await store.toolkit.images.list(), []);
    },
    {skip},
  );
});
