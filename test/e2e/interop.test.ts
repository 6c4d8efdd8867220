import * as assert from 'node:assert/strict';
import {randomBytes} from 'node:crypto';
import {mkdtempSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {buildImage, buildIndex} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {findViolations} from '../bundle/check-runtime-spec.ts';
import {type DockerRegistry, startDockerRegistry} from '../helpers/docker-registry.ts';
import {listTree} from '../helpers/file-tree.ts';
import {writeImageLayout} from '../helpers/image-layout.ts';
import {findProgram, missingFor, missingRoot} from '../helpers/requires.ts';
import {requireProgram, runProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';
import {comparable, REPLACED_ROOT, TREE_LAYERS} from './layered-tree.ts';

const skip =
  missingFor('docker-registry', 'skopeo', 'umoci', 'runc', 'busybox', 'getfattr') ??
  (process.arch === 'x64' ? undefined : 'its images are for amd64');

const KEPT = ['--preserve-digests'];
const MANY_LAYERS = 40;

/** Images by name, and how skopeo is to copy each. */
const makeImages = () => ({
  tree: {image: imageOfLayers(TREE_LAYERS), how: KEPT},
  replaced: {image: imageOfLayers(REPLACED_ROOT), how: KEPT},
  multi: {
    image: buildIndex([
      busyboxImage({platform: {os: 'linux', architecture: 'arm64', variant: 'v8'}, config: {Env: ['ARM=1']}}),
      busyboxImage({platform: {os: 'linux', architecture: 'amd64'}, config: {Cmd: ['echo', 'for amd64']}}),
    ]),
    how: ['--all', ...KEPT],
  },
  zstd: {image: busyboxImage({compression: 'zstd', config: {Cmd: ['echo', 'zstd']}}), how: KEPT},
  docker: {image: busyboxImage({config: {Cmd: ['echo', 'schema 2']}}), how: ['--format', 'v2s2']},
  many: {
    image: busyboxImage({layers: numberedLayers(), config: {Cmd: ['sh', '-c', 'cat /top; ls /many | wc -l']}}),
    how: KEPT,
  },
  user: {
    image: busyboxImage({config: {User: 'alice:staff', Cmd: ['sh', '-c', 'id -un; id -gn; echo $HOME']}}),
    how: KEPT,
  },
});

type ImageName = keyof ReturnType<typeof makeImages>;

const imageOfLayers = (layers: typeof TREE_LAYERS) =>
  buildImage({layers: layers.map((entries) => buildTar(entries)), config: {Cmd: ['/bin/owned']}});

/** Each adds a file and replaces another. */
const numberedLayers = (): readonly Buffer[] =>
  Array.from({length: MANY_LAYERS}, (_, index) =>
    buildTar([
      {path: 'many/', type: 'directory'},
      {path: `many/${index}`, content: String(index)},
      {path: 'top', content: `layer ${index + 2}\n`},
    ]),
  );

const OUTPUTS: readonly (readonly [title: string, name: ImageName, output: string])[] = [
  ["this machine's image of a multi-platform index", 'multi', 'for amd64\n'],
  ['an image with zstd layers', 'zstd', 'zstd\n'],
  ['a Docker schema 2 image', 'docker', 'schema 2\n'],
  [`an image with ${MANY_LAYERS + 1} layers`, 'many', `layer ${MANY_LAYERS + 1}\n${MANY_LAYERS}\n`],
  ['an image whose user is a name', 'user', 'alice\nstaff\n/home/alice\n'],
];

describe('e2e/interop', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown, missing?: string) => declare(title, body, {skip: skip ?? missing});
  let lab: {readonly registry: DockerRegistry; readonly winch: Winch; readonly layouts: string} | undefined;
  const open = () => lab ?? assert.fail('the registry did not start');
  const reference = (name: ImageName) => `${open().registry.host}/team/${name}:1`;

  before(async () => {
    if (skip !== undefined) return;
    const [registry, winch] = [await startDockerRegistry(), makeWinch()];
    lab = {registry, winch, layouts: join(winch.directory, 'layouts')};
    const images = Object.entries(makeImages());
    await Promise.all(
      images.map(async ([name, {image, how}]) => {
        const layout = join(open().layouts, name);
        writeImageLayout(layout, {[name]: image});
        const options = ['copy', '--insecure-policy', '--dest-tls-verify=false', ...how];
        await requireProgram('skopeo', [
          ...options,
          `oci:${layout}:${name}`,
          `docker://${reference(name as ImageName)}`,
        ]);
      }),
    );
    const pulled = await winch.run(['pull', ...images.map(([name]) => reference(name as ImageName))]);
    assert.equal(pulled.exitCode, 0, pulled.stderr);
  });
  after(async () => {
    await lab?.registry[Symbol.asyncDispose]();
    lab?.winch[Symbol.dispose]();
  });

  const run = async (...words: readonly string[]): Promise<string> => {
    const {exitCode, stdout, stderr} = await open().winch.run(words);
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  const bundle = async (...words: readonly [image: string, ...command: string[]]) => {
    const directory = mkdtempSync(join(open().winch.directory, 'bundle-'));
    const [image, ...command] = words;
    assert.equal(await run('bundle', image, directory, ...command), `${directory}\n`);
    return directory;
  };

  for (const [title, name, output] of OUTPUTS) {
    test(`runs ${title}`, async () => assert.equal(await run('run', reference(name)), output));
  }

  for (const name of ['tree', 'replaced'] as const) {
    test(
      `makes the same tree as umoci of the layers of '${name}'`,
      async () => {
        const expected = mkdtempSync(join(open().winch.directory, 'umoci-'));
        await requireProgram('umoci', ['unpack', '--image', `${open().layouts}/${name}:${name}`, expected]);
        const ours = comparable(listTree(join(await bundle(reference(name)), 'rootfs')));
        assert.deepEqual(ours, comparable(listTree(join(expected, 'rootfs'))));
      },
      missingRoot(),
    );
  }

  test('shows a running container the same tree as a bundle', async () => {
    // `tree` has no shell: the programs are mounted into it.
    const mounts = ['-v', `${findProgram('busybox')}:/busybox:ro`, '--network', 'none', '--read-only'];
    const list = ['/busybox', 'find', '/kinds', '/gone', '/opaque', '/merged', '/turned', '/again', '/fresh', '/late'];
    const shown = (await run('run', ...mounts, reference('tree'), ...list)).split('\n').toSorted();
    const rootfs = join(await bundle(reference('tree')), 'rootfs');
    const paths = Object.keys(listTree(rootfs)).map((path) => path.slice(1));
    assert.deepEqual(
      shown.filter((path) => path !== ''),
      paths.filter((path) => list.some((top) => path === top || path.startsWith(`${top}/`))).toSorted(),
    );
  });

  for (const name of ['multi', 'docker', 'tree', 'user'] as const) {
    test(`reads the same config as skopeo of '${name}'`, async () => {
      const options = ['inspect', '--tls-verify=false', '--config', '--raw', `docker://${reference(name)}`];
      const theirs: unknown = JSON.parse(await requireProgram('skopeo', options));
      assert.deepEqual(JSON.parse(await run('inspect', '--config', reference(name))), theirs);
    });
  }

  test('gets the media types that it is to be tested with', async () => {
    const mediaTypes = async (name: ImageName) => await run('inspect', '--manifest', reference(name));
    assert.match(await mediaTypes('docker'), /application\/vnd\.docker\.image\.rootfs\.diff\.tar\.gzip/);
    assert.match(await mediaTypes('zstd'), /application\/vnd\.oci\.image\.layer\.v1\.tar\+zstd/);
  });

  test('prints the digest that the registry has', async () => {
    const options = ['inspect', '--tls-verify=false', '--format', '{{.Digest}}', `docker://${reference('multi')}`];
    assert.equal(await run('pull', reference('multi')), await requireProgram('skopeo', options));
  });

  test(
    'writes bundles that runc and winch run',
    async () => {
      const script = 'id -un; echo $0; exit 7';
      const directory = await bundle(reference('user'), 'sh', '-c', script, 'a');
      const id = `winch-test-${randomBytes(4).toString('hex')}`;
      const theirs = await runProgram('runc', ['run', '--bundle', directory, id]);
      const ours = await open().winch.run(['run', '--bundle', directory]);
      for (const {exitCode, stdout, stderr} of [theirs, ours]) {
        assert.deepEqual({exitCode, stdout, stderr}, {exitCode: 7, stdout: 'alice\na\n', stderr: ''});
      }
    },
    missingRoot(),
  );

  test('writes runtime configurations that follow the specification', async () => {
    for (const name of ['user', 'tree'] as const) {
      const directory = await bundle(reference(name));
      const config: unknown = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'));
      assert.deepEqual(findViolations(config), []);
      const validator = findProgram('oci-runtime-tool');
      if (validator) await requireProgram(validator, ['validate', '--path', directory]);
    }
  });
});
