import {randomBytes} from 'node:crypto';
import * as assert from 'uvu/assert';
import {describe} from '../../helpers/suite.ts';
import {busyboxLayer, type Format, missingLazy, serveLazyImage} from './lazy-rig.ts';

const skip = missingLazy();
const FORMATS: readonly Format[] = ['estargz', 'zstd:chunked'];
const NOISE = randomBytes(4_000_000);

for (const format of FORMATS) {
  describe(`containers/lazy of ${format}`, ({test}) => {
    test(
      'fetches what a container reads, and little else',
      async () => {
        await using app = await serveLazyImage([
          busyboxLayer(format, [
            {path: 'noise', content: NOISE},
            {path: 'etc/name', content: 'a name'},
          ]),
        ]);
        const {output, exitCode, stderr} = await app.run('cat /etc/name');
        assert.is(stderr, '');
        assert.is(output, 'a name');
        assert.is(exitCode, 0);
        assert.ok(app.sentBytes() < 2_500_000, `${app.sentBytes()} bytes`);
        assert.equal(app.warnings(), []);
        assert.equal(await app.toolkit.images.list(), []);
      },
      {skip},
    );
  });
}
