import {randomBytes} from 'node:crypto';
import * as assert from 'uvu/assert';
import {buildChunkedLayer} from '../../../fixtures/build-chunked-layer.ts';
import {buildTar, type TarEntry} from '../../../fixtures/build-tar.ts';
import {busyboxEntries} from '../../../fixtures/busybox-image.ts';
import {describe} from '../../helpers/suite.ts';
import {busyboxLayer, type Format, missingLazy, serveLazyImage} from './lazy-rig.ts';

const skip = missingLazy();
const FORMATS: readonly Format[] = ['estargz', 'zstd:chunked'];
const NOISE = randomBytes(4_000_000);
/** Every file with what it holds, the names in order. */
const ALL_FILES = '/bin/busybox find / -xdev -type f | /bin/busybox sort | /bin/busybox xargs -n 1 md5sum';
const ALL_NAMES = '/bin/busybox find / -xdev | /bin/busybox sort | /bin/busybox xargs stat -c "%n %f %u %g %s %Y %N"';

for (const format of FORMATS) {
  describe(`containers/lazy of ${format}`, ({test: declare}) => {
    const test = (title: string, body: () => unknown) => declare(title, body, {skip});
    const other = format === 'estargz' ? 'zstd:chunked' : 'estargz';

    test('fetches what a container reads, and little else', async () => {
      const more = [
        {path: 'noise', content: NOISE},
        {path: 'etc/name', content: 'a name'},
      ];
      await using app = await serveLazyImage([busyboxLayer(format, more)]);
      const {output, exitCode, stderr} = await app.run('cat /etc/name');
      assert.is(stderr, '');
      assert.is(output, 'a name');
      assert.is(exitCode, 0);
      assert.ok(app.sentBytes() < 2_500_000, `${app.sentBytes()} bytes`);
      assert.equal(app.warnings(), []);
      assert.equal(await app.toolkit.images.list(), []);
    });

    test('shows what a pulled image shows, of layers of all kinds', async () => {
      await using app = await serveLazyImage(mixedLayers(format, other));
      const lazily = await app.run(`${ALL_NAMES}; ${ALL_FILES}`);
      assert.is(lazily.stderr, '');
      assert.equal(app.warnings(), []);
      assert.equal(await app.toolkit.images.list(), []);
      const pulled = await app.run(`${ALL_NAMES}; ${ALL_FILES}`, {lazy: false});
      assert.is((await app.toolkit.images.list()).length, 1);
      assert.equal(shownOf(lazily.output), shownOf(pulled.output));
      assert.match(lazily.output, '/etc/kept');
      assert.not.match(lazily.output, '/etc/gone');
      assert.not.match(lazily.output, '/opaque/below');
    });

    test('gives many readers at once the same, and fetches nothing twice', async () => {
      const files = Array.from({length: 300}, (_, index) => ({path: `d/${index}`, content: randomBytes(20_000)}));
      await using app = await serveLazyImage([busyboxLayer(format, [...files, {path: 'noise', content: NOISE}])]);
      const sums = '/bin/busybox xargs -n 20 -P 4 md5sum | /bin/busybox sort | md5sum';
      const {output} = await app.run(`(/bin/busybox find /d /noise -type f; echo /noise; echo /noise) | ${sums}`);
      const size = app.registry.requests.reduce((most, {bytes}) => Math.max(most, bytes), 0);
      assert.ok(size > 100_000, 'neighbours come together');
      assert.ok(app.sentBytes() < 14_000_000, `${app.sentBytes()} bytes`);
      const pulled = await app.run(`(/bin/busybox find /d /noise -type f; echo /noise; echo /noise) | ${sums}`, {
        lazy: false,
      });
      assert.is(output, pulled.output);
    });

    test('pulls an image that it cannot serve, and says why', async () => {
      await using app = await serveLazyImage([buildTar(busyboxEntries())]);
      assert.is((await app.run('echo here')).output, 'here\n');
      assert.equal(app.warnings(), ['LAZY_FALLBACK']);
      assert.match(app.messages()[0] ?? '', 'none of its layers can be read in parts');
      assert.is((await app.toolkit.images.list()).length, 1);
      assert.is((await app.run('echo again')).output, 'again\n');
      assert.equal(app.warnings(), ['LAZY_FALLBACK'], 'what is there simply runs');
    });

    test('pulls the image where a registry gives no parts', async () => {
      await using app = await serveLazyImage([busyboxLayer(format)]);
      app.registry.setFaults([{on: 'blob', noRange: true}]);
      assert.is((await app.run('echo here')).output, 'here\n');
      assert.equal(app.warnings(), ['RANGE_UNSUPPORTED', 'LAZY_FALLBACK']);
    });
  });
}

/** Of both formats and a plain one in the middle, which hide what is below them. */
function mixedLayers(format: Format, other: Format) {
  const base: readonly TarEntry[] = [
    {path: 'etc/gone', content: 'gone'},
    {path: 'etc/kept', content: 'kept', mode: 0o640, uid: 12, gid: 34, mtime: 1234},
    {path: 'opaque/', type: 'directory', mode: 0o711},
    {path: 'opaque/below', content: 'below'},
    {path: 'noise', content: NOISE.subarray(0, 1_000_000)},
    {path: 'same', type: 'hardlink', linkPath: 'noise'},
    {path: 'empty', content: ''},
  ];
  const middle: readonly TarEntry[] = [{path: 'etc/middle', content: 'middle'}, {path: 'etc/.wh.gone'}];
  const top: readonly TarEntry[] = [
    {path: 'opaque/', type: 'directory', mode: 0o700},
    {path: 'opaque/.wh..wh..opq'},
    {path: 'opaque/above', content: NOISE.subarray(0, 700_001)},
    {path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\n'},
    {path: 'etc/.wh.middle'},
  ];
  return [busyboxLayer(format, base), buildTar(middle), buildChunkedLayer({format: other, entries: top})];
}

/** What the run itself makes, and the table of an eStargz layer, which only a pulled one has among its files. */
const NOT_OF_IMAGE = /stargz\.index\.json|\/etc\/(?:hosts|hostname|resolv\.conf)|^\/(?:dev|proc|sys|etc)? /;

const shownOf = (output: string): readonly string[] => output.split('\n').filter((line) => !NOT_OF_IMAGE.test(line));
