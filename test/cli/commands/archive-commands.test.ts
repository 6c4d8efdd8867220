import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {Readable} from 'node:stream';
import {buffer} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {WinchError} from '../../../src/errors.ts';
import type {ExportOptions} from '../../../src/images/archives/export-image.ts';
import type {ImportOptions} from '../../../src/images/archives/import-rootfs.ts';
import type {LoadOptions} from '../../../src/images/archives/load.ts';
import type {ArchiveInput} from '../../../src/images/archives/open-input.ts';
import type {SaveOptions} from '../../../src/images/archives/save.ts';
import type {Containers} from '../../../src/toolkit.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';
import {runWinch} from '../run-winch.ts';
import {DIGESTS} from '../samples.ts';

async function* piece(text: string) {
  yield Buffer.from(text);
}

describe('cli/commands on archives', ({test}) => {
  test('save: writes to standard output, or to a file, and closes the archive', async () => {
    using directory = makeTemporaryDirectory();
    const calls: [readonly string[], SaveOptions | undefined][] = [];
    let closed = 0;
    const save = async (names: readonly string[], options?: SaveOptions) => {
      calls.push([names, options]);
      return {images: [], content: piece('a tar'), close: async () => void closed++};
    };
    const piped = await runWinch(['save', '--format', 'docker-archive', '--all', 'app:1', 'b'], {images: {save}});
    assert.equal([piped.code, piped.stdout], [0, 'a tar']);
    assert.equal(calls[0]?.[0], ['app:1', 'b']);
    assert.equal([calls[0]?.[1]?.format, calls[0]?.[1]?.allPlatforms], ['docker-archive', true]);
    const path = join(directory.path, 'app.tar');
    assert.is((await runWinch(['save', '-o', path, 'app:1'], {images: {save}})).stdout, '');
    assert.is(readFileSync(path, 'utf8'), 'a tar');
    assert.is(closed, 2);
  });

  test('save: writes no archive to a terminal, and a directory only where it is named', async () => {
    const environment = {stdoutIsTerminal: () => true};
    const onTerminal = await runWinch(['save', 'app:1'], {environment});
    assert.is(onTerminal.code, 2);
    assert.match(onTerminal.stderr, /FLAGS_CONFLICT.*name a file with --output/s);
    assert.match((await runWinch(['save', '--format', 'oci-dir', 'app:1'])).stderr, /name it with --output/);
  });

  test('save: writes a directory of several images', async () => {
    const seen: unknown[] = [];
    const saveDirectory = async (request: unknown) => {
      seen.push(request);
      return [];
    };
    const {code} = await runWinch(['save', '--format', 'oci-dir', '-o', '/lay', 'a', 'b'], {images: {saveDirectory}});
    assert.is(code, 0);
    assert.equal(seen, [{names: ['a', 'b'], directory: '/lay'}]);
  });

  test('load: reads a file or standard input and prints names, or ids of images without', async () => {
    const seen: [unknown, LoadOptions | undefined][] = [];
    const load = async (input: ArchiveInput, options?: LoadOptions) => {
      seen.push([typeof input === 'string' ? input : (await buffer(input)).toString(), options]);
      return [
        {names: ['app:1', 'b:2'], digest: DIGESTS.manifest, imageId: DIGESTS.config},
        {names: [], digest: DIGESTS.manifest, imageId: DIGESTS.config},
      ];
    };
    const {code, stdout} = await runWinch(['load', '-f', '-i', 'app.tar'], {images: {load}});
    assert.equal([code, stdout], [0, `Loaded image: app:1\nLoaded image: b:2\nLoaded image ID: ${DIGESTS.config}\n`]);
    assert.equal([seen[0]?.[0], seen[0]?.[1]?.force], ['/work/here/app.tar', true]);
    const environment = {openStandardInput: () => Readable.from([Buffer.from('piped')])};
    await runWinch(['load', '--platform', 'linux/arm64'], {images: {load}, environment});
    assert.equal([seen[1]?.[0], seen[1]?.[1]?.platform], ['piped', 'linux/arm64']);
  });

  test('load: does not wait for an archive that nobody types', async () => {
    const {code, stderr} = await runWinch(['load'], {environment: {stdinIsTerminal: () => true}});
    assert.is(code, 2);
    assert.match(stderr, /name a file with --input/);
  });

  test('load: says how to move a name', async () => {
    const load = () => Promise.reject(new WinchError('TAG_EXISTS', 'app:1 is another', {kind: 'refused'}));
    const {code, stderr} = await runWinch(['load', '-i', 'a'], {images: {load}});
    assert.is(code, 3);
    assert.match(stderr, /--force/);
  });

  test('import: passes the tar and its flags on and prints the id', async () => {
    const seen: [unknown, ImportOptions | undefined][] = [];
    const images = {
      import: async (input: ArchiveInput, options?: ImportOptions) => {
        seen.push([typeof input === 'string' ? input : (await buffer(input)).toString(), options]);
        return {imageId: DIGESTS.config, manifestDigest: DIGESTS.manifest, layerDigest: DIGESTS.manifest};
      },
    };
    const words = ['import', '-c', 'CMD sh', '--change', 'USER a', '-m', 'from a test', 'root.tar', 'base:1'];
    const {code, stdout} = await runWinch(words, {images});
    assert.equal([code, stdout], [0, `${DIGESTS.config}\n`]);
    assert.is(seen[0]?.[0], '/work/here/root.tar');
    const {reference, changes, message} = seen[0]?.[1] ?? {};
    assert.equal([reference, changes, message], ['base:1', ['CMD sh', 'USER a'], 'from a test']);
    const environment = {openStandardInput: () => Readable.from([Buffer.from('piped')])};
    await runWinch(['import', '--platform', 'linux/arm64', '-'], {images, environment});
    assert.equal([seen[1]?.[0], seen[1]?.[1]?.platform], ['piped', 'linux/arm64']);
  });

  test('export: writes the tar, and none to a terminal', async () => {
    const seen: unknown[] = [];
    let closed = 0;
    const images = {
      export: async (name: string, {platform}: ExportOptions = {}) => {
        seen.push([name, platform]);
        return {imageId: DIGESTS.config, content: piece('files'), close: () => void closed++};
      },
    };
    const {code, stdout} = await runWinch(['export', '--platform', 'linux/arm64', 'app:1'], {images});
    assert.equal([code, stdout, closed], [0, 'files', 1]);
    assert.equal(seen, [['app:1', 'linux/arm64']]);
    const environment = {stdoutIsTerminal: () => true};
    assert.is((await runWinch(['export', 'app:1'], {images, environment})).code, 2);
    const containers = {
      export: async (name: string) => {
        if (name !== 'web') throw new WinchError('CONTAINER_UNKNOWN', 'none', {kind: 'not-found'});
        return {content: piece('of web'), close: () => void closed++};
      },
    };
    assert.is((await runWinch(['export', 'web'], {images, containers})).stdout, 'of web');
    assert.is((await runWinch(['export', 'app:1'], {images, containers})).stdout, 'files');
    assert.is(closed, 3);
  });

  test('commit: hands its flags on and prints the id', async () => {
    const seen: unknown[] = [];
    const commit: Containers['commit'] = async (container, {signal: _, onEvent: __, ...options} = {}) => {
      seen.push(container, options);
      return {imageId: DIGESTS.config, manifestDigest: '', layerDigest: ''};
    };
    const flags = ['-c', 'CMD x', '--change', 'USER me', '-m', 'why', '-a', 'me', '--pause=false'];
    assert.is(
      (await runWinch(['commit', ...flags, 'web', 'web:2'], {containers: {commit}})).stdout,
      `${DIGESTS.config}\n`,
    );
    assert.is((await runWinch(['commit', 'web'], {containers: {commit}})).code, 0);
    const changes = ['CMD x', 'USER me'];
    assert.equal(seen, ['web', {reference: 'web:2', changes, message: 'why', author: 'me', pauses: false}, 'web', {}]);
  });
});
