import {randomBytes} from 'node:crypto';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildImage} from '../../../fixtures/build-image.ts';
import {buildTar} from '../../../fixtures/build-tar.ts';
import {busyboxEntries} from '../../../fixtures/busybox-image.ts';
import {digestOf} from '../../../src/oci/digest.ts';
import {startDockerRegistry} from '../../helpers/docker-registry.ts';
import {writeImageLayout} from '../../helpers/image-layout.ts';
import {openTestStore} from '../../helpers/open-store.ts';
import {findProgram} from '../../helpers/requires.ts';
import {requireProgram} from '../../helpers/run-program.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';
import {missingLazy} from './lazy-rig.ts';

const skipFor = (program: string) =>
  missingLazy() ??
  (findProgram('docker-registry') && findProgram(program) ? undefined : `needs docker-registry and ${program}`);
/** Of more than one piece, with a hole, as either tool cuts them. */
const NOISE = Buffer.concat([randomBytes(5_000_000), Buffer.alloc(500_000), randomBytes(100_000)]);
const ENTRIES = [...busyboxEntries(), {path: 'noise', content: NOISE}];

describe('containers/lazy of what other tools pack', ({test}) => {
  /** What the container finds in the image. */
  const readNoise = async (image: string): Promise<string> => {
    await using store = await openTestStore();
    const codes: string[] = [];
    const container = {command: ['/bin/busybox', 'sha256sum', '/noise']};
    await using process = await store.toolkit.containers.spawn(
      {image, policy: 'missing', lazy: true, container},
      {onEvent: (event) => void (event.type === 'warning:raised' && codes.push(event.code))},
    );
    const output = await text(process.stdout);
    assert.is((await process.finished).exitCode, 0);
    assert.equal(codes, []);
    assert.equal(await store.toolkit.images.list(), []);
    return output;
  };
  const expected = `${digestOf(NOISE).slice('sha256:'.length)}  /noise\n`;

  test(
    'crane, as eStargz',
    async () => {
      await using registry = await startDockerRegistry();
      using directory = makeTemporaryDirectory();
      const [tar, reference] = [join(directory.path, 'layer.tar'), `${registry.host}/app:1`];
      writeFileSync(tar, buildTar(ENTRIES));
      await requireProgram('env', [
        'GGCR_EXPERIMENT_ESTARGZ=1',
        'crane',
        'append',
        '--insecure',
        '-f',
        tar,
        '-t',
        reference,
      ]);
      assert.is(await readNoise(reference), expected);
    },
    {skip: skipFor('crane')},
  );

  test(
    'skopeo, as zstd:chunked',
    async () => {
      await using registry = await startDockerRegistry();
      using directory = makeTemporaryDirectory();
      const [layout, reference] = [join(directory.path, 'layout'), `${registry.host}/app:1`];
      writeImageLayout(layout, {app: buildImage({layers: [buildTar(ENTRIES)], compression: 'none'})});
      const words = ['copy', '--format', 'oci', '--dest-tls-verify=false', '--dest-compress-format', 'zstd:chunked'];
      await requireProgram('skopeo', [...words, `oci:${layout}:app`, `docker://${reference}`]);
      assert.is(await readNoise(reference), expected);
    },
    {skip: skipFor('skopeo')},
  );
});
