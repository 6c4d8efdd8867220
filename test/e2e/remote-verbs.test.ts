import * as assert from 'node:assert/strict';
import {existsSync, readdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {type BuiltDocument, buildImage, buildIndex, jsonDocument} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {type DockerRegistry, startDockerRegistry} from '../helpers/docker-registry.ts';
import {findProgram} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const skip = findProgram('docker-registry') && findProgram('skopeo') ? undefined : 'needs docker-registry and skopeo';
const skipCrane = skip ?? (findProgram('crane') ? undefined : 'needs crane');

const tar = (text: string): Buffer => buildTar([{path: 'file', content: Buffer.from(text)}]);
const AMD64 = buildImage({layers: [tar('base'), tar('app')], config: {Cmd: ['serve']}});
const ARM64 = buildImage({layers: [tar('base')], platform: {os: 'linux', architecture: 'arm64'}});
const INDEX = buildIndex([AMD64, ARM64]);
const TAGS = ['1.0', '1.2.0', '1.10.0', '2.0.0-rc.1', 'latest'];

const skopeo = (...words: readonly string[]): Promise<string> => {
  const [verb = '', ...rest] = words;
  return requireProgram('skopeo', [verb, '--tls-verify=false', ...rest]);
};

describe('e2e: remote verbs against the reference registry', ({test, before, after}) => {
  let registry: DockerRegistry | undefined;
  let winch: Winch | undefined;
  let name = '';
  before(async () => {
    if (skip !== undefined) return;
    registry = await startDockerRegistry({deletes: true});
    winch = makeWinch();
    name = `${registry.host}/team/app`;
    await using source = await startRegistry();
    source.put('app', '1', INDEX);
    const options = ['--all', '--insecure-policy', '--preserve-digests', '--src-tls-verify=false'];
    for (const tag of TAGS) {
      const words = [...options, '--dest-tls-verify=false', `docker://${source.host}/app:1`, `docker://${name}:${tag}`];
      await requireProgram('skopeo', ['copy', ...words]);
    }
  });
  after(async () => {
    await registry?.[Symbol.asyncDispose]();
    winch?.[Symbol.dispose]();
  });

  const run = async (...words: readonly string[]) => {
    if (!winch) throw new Error('not set up');
    const exit = await winch.run(words);
    assert.deepEqual([exit.exitCode, exit.stderr], [0, ''], words.join(' '));
    return exit;
  };
  const place = (path: string): string => join(winch?.directory ?? '', path);

  test(
    'prints what skopeo prints, byte for byte, and leaves no store behind',
    async () => {
      assert.equal(
        (await run('manifest', 'get', `${name}:1.0`)).stdout,
        await skopeo('inspect', '--raw', `docker://${name}:1.0`),
      );
      const config = await skopeo('inspect', '--config', '--raw', `docker://${name}:1.0`);
      assert.equal((await run('config', '--platform', 'linux/amd64', `${name}:1.0`)).stdout, config);
      const listed = JSON.parse(await skopeo('list-tags', `docker://${name}`));
      assert.deepEqual((await run('tags', name)).stdout.trim().split('\n').toSorted(), listed.Tags.toSorted());
      assert.equal((await run('digest', `${name}:1.0`)).stdout, `${INDEX.index.digest}\n`);
      assert.equal((await run('catalog', name.split('/')[0] ?? '')).stdout, 'team/app\n');
      assert.equal(existsSync(winch?.root ?? ''), false);
    },
    {skip},
  );

  test(
    'prints what crane prints',
    async () => {
      const crane = (...words: readonly string[]) => requireProgram('crane', words);
      const platform = ['--platform', 'linux/arm64'];
      for (const words of [['digest'], ['digest', ...platform], ['config', ...platform]]) {
        const expected = (await crane(...words, `${name}:1.0`)).trim();
        assert.equal((await run(...words, `${name}:1.0`)).stdout.trim(), expected, words.join(' '));
      }
      assert.equal(
        (await run('manifest', 'get', ...platform, `${name}:1.0`)).stdout,
        await crane('manifest', ...platform, `${name}:1.0`),
      );
      const layer = `${name}@${AMD64.layers[0]?.digest}`;
      assert.deepEqual((await run('blob', 'get', layer)).output, AMD64.layers[0]?.bytes);
    },
    {skip: skipCrane},
  );

  test(
    'sorts and filters versions',
    async () => {
      const newest = await run('tags', '--filter', 'semver:>=1', '--sort', 'semver', '--reverse', name);
      assert.equal(newest.stdout, '1.10.0\n1.2.0\n1.0\n');
    },
    {skip},
  );

  test(
    'inspects every platform with the sizes that its manifests name',
    async () => {
      const {stdout} = await run('remote', 'inspect', '--all-platforms', '-f', 'json', `${name}:1.0`);
      const image = JSON.parse(stdout);
      const sizes = [AMD64, ARM64].map(({manifest, config, layers}) =>
        [manifest, config, ...layers].reduce((sum, {bytes}) => sum + bytes.length, 0),
      );
      assert.deepEqual(
        image.platforms.map(({totalBytes}: {totalBytes: number}) => totalBytes),
        sizes,
      );
      assert.equal(image.tags, null);
    },
    {skip},
  );

  test(
    'puts an artifact about an image, lists it by the tag of its subject, and deletes it',
    async () => {
      const {manifest} = AMD64;
      const artifact: BuiltDocument = jsonDocument(manifest.mediaType, {
        schemaVersion: 2,
        mediaType: manifest.mediaType,
        artifactType: 'example/signature',
        config: {
          mediaType: 'application/vnd.example+json',
          digest: AMD64.config.digest,
          size: AMD64.config.bytes.length,
        },
        layers: [],
        subject: {mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length},
      });
      writeFileSync(place('artifact.json'), artifact.bytes);
      const target = `${name}@${artifact.digest}`;
      assert.equal((await run('manifest', 'put', target, place('artifact.json'))).stdout, `${artifact.digest}\n`);
      assert.equal(await skopeo('inspect', '--raw', `docker://${target}`), artifact.bytes.toString());
      const list = await run('referrers', '-f', '{{.Type}} {{.Digest}}', '--platform', 'linux/amd64', `${name}:1.0`);
      assert.equal(list.stdout, `example/signature ${artifact.digest}\n`);
      assert.equal((await run('manifest', 'delete', target)).stdout, `${artifact.digest}\n`);
      assert.equal((await winch?.run(['manifest', 'get', target]))?.exitCode, 4);
    },
    {skip},
  );

  test(
    'gives a second tag to what another one names, and takes all of its tags away',
    async () => {
      const one = buildImage({layers: [tar('base')], config: {Cmd: ['one']}});
      await using source = await startRegistry();
      source.put('app', '1', one);
      await skopeoCopy(source, `${name}:one`);
      const shell = winch?.startShell(`winch manifest get ${name}:one | winch manifest put ${name}:two -`);
      assert.equal((await shell?.exited)?.stdout, `${one.manifest.digest}\n`);
      assert.equal((await run('manifest', 'delete', `${name}:two`)).stdout, `${one.manifest.digest}\n`);
      const tags = (await run('tags', name)).stdout;
      assert.doesNotMatch(tags, /^(one|two)$/m);
    },
    {skip},
  );

  test(
    'stops a download that nobody reads',
    async () => {
      const big = Buffer.alloc(64 * 1024 * 1024);
      await using source = await startRegistry({
        faults: [{on: 'blob', method: 'GET', slow: {bytes: 65_536, pauseMs: 20}}],
      });
      source.putBlob('app', big);
      const digest = `sha256:${(await import('node:crypto')).createHash('sha256').update(big).digest('hex')}`;
      const shell = winch?.startShell(`winch blob get ${source.host}/app@${digest} | head -c 10 | wc -c`);
      const exit = await shell?.exited;
      assert.deepEqual([exit?.stdout.trim(), exit?.stderr], ['10', '']);
    },
    {skip},
  );

  test('keeps no file of a blob with wrong bytes', async () => {
    await using source = await startRegistry();
    using own = makeWinch();
    source.putBlob('app', Buffer.from('wrong'), AMD64.config.digest);
    const file = join(own.directory, 'blob');
    const exit = await own.run(['blob', 'get', '-o', file, `${source.host}/app@${AMD64.config.digest}`]);
    assert.equal(exit.exitCode, 3);
    assert.match(exit.stderr, /^winch: DIGEST_MISMATCH: /);
    assert.equal(
      readdirSync(own.directory).some((entry) => entry.startsWith('blob')),
      false,
    );
  });

  test('asks nothing but one HEAD for a digest', async () => {
    await using source = await startRegistry();
    using own = makeWinch();
    source.put('app', '1', INDEX);
    assert.equal((await own.run(['digest', `${source.host}/app:1`])).stdout, `${INDEX.index.digest}\n`);
    const asked = source.requests.map(({method, class: kind}) => `${method} ${kind}`);
    assert.deepEqual(
      asked.filter((request) => request !== 'GET ping'),
      ['HEAD manifest'],
    );
  });
});

const skopeoCopy = (source: RegistryServer, target: string): Promise<string> =>
  requireProgram('skopeo', [
    ...['copy', '--insecure-policy', '--preserve-digests', '--src-tls-verify=false', '--dest-tls-verify=false'],
    ...[`docker://${source.host}/app:1`, `docker://${target}`],
  ]);
