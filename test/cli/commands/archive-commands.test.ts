import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import type {SaveOptions} from '../../../src/images/archives/save.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';
import {runWinch} from '../run-winch.ts';

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
});
