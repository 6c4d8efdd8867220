import * as assert from 'node:assert/strict';
import {randomBytes} from 'node:crypto';
import {existsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buildChunkedImage, buildChunkedLayer} from '../../fixtures/build-chunked-layer.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch} from '../helpers/winch.ts';

const NOISE = randomBytes(8_000_000);
const LAYERS = [
  buildChunkedLayer({
    format: 'zstd:chunked',
    entries: [
      {path: 'etc/name', content: 'lower\n'},
      {path: 'etc/motd', content: 'hello\n'},
      {path: 'noise', content: NOISE},
    ],
    chunkBytes: 1_000_000,
  }),
  buildChunkedLayer({
    format: 'estargz',
    entries: [
      {path: 'etc/name', content: 'upper\n'},
      {path: 'link', type: 'symlink', linkPath: '/etc/motd'},
    ],
  }),
];
const CAT = ['cat', '--platform', 'linux/amd64'];

const sentBytes = ({requests}: RegistryServer): number => requests.reduce((sum, {bytes}) => sum + bytes, 0);

describe('e2e/read-remote', ({test}) => {
  test('prints files of an image that was never pulled, and fetches little of it', async () => {
    await using registry = await startRegistry();
    using winch = makeWinch();
    registry.put('app', '1', buildChunkedImage(LAYERS));
    const image = `${registry.host}/app:1`;
    const {exitCode, stdout, stderr} = await winch.run([...CAT, `${image}:/etc/name`, `${image}:/link`]);
    assert.deepEqual([exitCode, stdout], [0, 'upper\nhello\n'], stderr);
    assert.ok(sentBytes(registry) < NOISE.length * 0.05, `${sentBytes(registry)} bytes`);
    const large = await winch.run([...CAT, `${image}:/noise`]);
    assert.ok(large.output.equals(NOISE));
    assert.equal((await winch.run(['images', '-q'])).stdout, '');
    assert.ok(!existsSync(join(winch.root, 'layers', 'sha256', LAYERS[0]?.diffId.slice(7) ?? '')));
  });

  test('prints nothing of what is wrong, and says which layer it is', async () => {
    await using registry = await startRegistry();
    using winch = makeWinch();
    const wrong = {chunkDigest: `sha256:${'0'.repeat(64)}`};
    const layer = buildChunkedLayer({
      format: 'estargz',
      entries: [{path: 'file', content: 'content'}],
      toc: (lines) => ({version: 1, entries: lines.map((line) => ({...line, ...wrong}))}),
    });
    registry.put('app', '1', buildChunkedImage([layer]));
    const {exitCode, stdout, stderr} = await winch.run([...CAT, `${registry.host}/app:1:/file`]);
    assert.deepEqual([exitCode, stdout], [3, '']);
    assert.match(stderr, new RegExp(`winch: DIGEST_MISMATCH: layer ${digestOf(layer.bytes)}: its bytes `));
  });

  test('asks no registry where it is told not to, and pulls what cannot be read in part', async () => {
    await using registry = await startRegistry();
    using winch = makeWinch();
    registry.put('plain', '1', buildChunkedImage([buildTar([{path: 'file', content: 'plain\n'}])]));
    const image = `${registry.host}/plain:1`;
    const refused = await winch.run([...CAT, '--pull', 'never', `${image}:/file`]);
    assert.equal(refused.exitCode, 4);
    assert.match(refused.stderr, /IMAGE_UNKNOWN/);
    assert.equal(registry.requests.length, 0);
    assert.equal((await winch.run([...CAT, `${image}:/file`])).stdout, 'plain\n');
    assert.equal((await winch.run([...CAT, '--pull', 'never', `${image}:/file`])).stdout, 'plain\n');
  });

  test('asks a mirror first, and the registry for what the mirror has wrong', async () => {
    await using registry = await startRegistry();
    await using mirror = await startRegistry();
    using winch = makeWinch();
    for (const server of [registry, mirror]) server.put('app', '1', buildChunkedImage(LAYERS));
    const conf = `[[registry]]\nlocation = "${registry.host}"\n[[registry.mirror]]\nlocation = "${mirror.host}"`;
    writeFileSync(join(winch.directory, 'registries.conf'), conf);
    const words = [...CAT, `${registry.host}/app:1:/noise`];
    assert.ok((await winch.run(words)).output.equals(NOISE));
    assert.equal(registry.requests.filter(({class: of}) => of === 'blob').length, 0);
    mirror.setFaults([{on: 'blob', flipByteAt: 5_500_000}]);
    const {output, stderr} = await winch.run(words);
    assert.ok(output.equals(NOISE), stderr);
    assert.equal(registry.requests.filter(({class: of}) => of === 'blob').length, 1);
  });
});
