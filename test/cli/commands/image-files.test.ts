import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {WinchError} from '../../../src/errors.ts';
import type {CopyFromOptions, FileCopy} from '../../../src/images/copy-from.ts';
import type {ImageFilesOptions, ImagePath} from '../../../src/images/open-files.ts';
import type {ReadFileOptions} from '../../../src/images/read-file.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';

const FILE = {path: '/x', type: 'file', size: 1, mode: 0o644, uid: 0, gid: 0, linkTarget: null} as const;
const HOME = '/home/user';

async function* piecesOf(...pieces: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece);
}

describe('cli/commands/cat', ({test}) => {
  const run = async (...words: readonly string[]) => {
    const [asked, closed]: [unknown[], string[]] = [[], []];
    const outcome = await runWinch(['cat', ...words], {
      images: {
        readFiles: async (
          sources: readonly ImagePath[],
          {signal: _, onEvent: __, ...options}: ReadFileOptions = {},
        ) => {
          asked.push(sources, options);
          if (sources.some(({path}) => path === '/absent')) throw new Error('absent');
          const files = sources.map(({path}) => ({imageId: '', file: FILE, content: piecesOf(`${path}\n`, '\x1b')}));
          return {files, close: () => void closed.push('closed')};
        },
      },
    });
    return {...outcome, asked, closed};
  };

  test('prints the bytes of files one after the other', async () => {
    const {code, stdout, stderr, asked, closed} = await run('host:5000/a/b:1:/etc/x:/y', 'c@sha256:00:/z');
    assert.equal([code, stdout, stderr], [0, '/etc/x:/y\n\x1b/z\n\x1b', '']);
    assert.equal(asked, [
      [
        {reference: 'host:5000/a/b:1', path: '/etc/x:/y'},
        {reference: 'c@sha256:00', path: '/z'},
      ],
      {policy: 'missing'},
    ]);
    assert.equal(closed, ['closed']);
  });

  test('prints nothing unless all files are there', async () => {
    const {code, stdout} = await run('a:/x', 'a:/absent');
    assert.equal([code, stdout], [1, '']);
  });

  test('needs a path', async () => {
    for (const word of ['app:1', ':/x', 'app:etc/x', '/etc/x']) {
      const {code, stderr} = await run(word);
      assert.is(code, 2, word);
      assert.match(stderr, /IMAGE_PATH_INVALID: .* names no file of an image/);
    }
  });

  test('hands its flags on', async () => {
    assert.equal((await run('--platform', 'linux/arm64', '--pull', 'never', 'a:/x')).asked[1], {
      platform: 'linux/arm64',
      policy: 'never',
    });
  });
});

describe('cli/commands/cp', ({test}) => {
  const run = async (words: readonly string[], stdoutIsTerminal = false) => {
    const asked: unknown[] = [];
    const outcome = await runWinch(['cp', ...words], {
      environment: {
        workingDirectory: () => HOME,
        stdoutIsTerminal: () => stdoutIsTerminal,
        openStandardInput: () => piecesOf('piped'),
      },
      containers: {
        copyFrom: async ({container, ...copy}) => {
          if (container !== 'web') throw new WinchError('CONTAINER_UNKNOWN', 'none', {kind: 'not-found'});
          asked.push(container, copy.path);
          return {path: copy.destination, files: 1, bytes: 1, skippedDevices: 0};
        },
        readTar: async ({container}) => {
          if (container !== 'web') throw new WinchError('CONTAINER_UNKNOWN', 'none', {kind: 'not-found'});
          const status = {name: 'x', bytes: 1, mode: 0o100_644, modifiedAt: new Date(0), linkTarget: null};
          return {status, content: piecesOf('of ', 'web'), close: () => void asked.push('closed')};
        },
        copyTo: async ({source, ...copy}, {signal: _, onEvent: __, ...options} = {}) => {
          asked.push(typeof source === 'string' ? source : await text(source), copy, options);
        },
      },
      images: {
        copyFrom: async (copy: FileCopy, {signal: _, onEvent: __, ...options}: CopyFromOptions = {}) => {
          asked.push(copy, options);
          return {imageId: '', path: `${copy.destination}\x1b`, files: 2, bytes: 1500, skippedDevices: 0};
        },
        readTar: async (source: ImagePath, {signal: _, onEvent: __, ...options}: ImageFilesOptions = {}) => {
          asked.push(source, options);
          return {imageId: '', content: piecesOf('t', 'ar'), close: () => void asked.push('closed')};
        },
      },
    });
    return {...outcome, asked};
  };

  test('copies to a place of this machine and says what', async () => {
    const {code, stdout, stderr, asked} = await run(['app:1:/srv/.', 'out/']);
    assert.equal([code, stdout, stderr], [0, '', 'copied 2 files (1.5kB) to /home/user/out/\\x1b\n']);
    assert.equal(asked, [{reference: 'app:1', path: '/srv/.', destination: `${HOME}/out/`}, {}]);
    assert.equal((await run(['a:/x', '/tmp/..'])).asked[0], {reference: 'a', path: '/x', destination: '/tmp/..'});
    assert.is((await run(['-q', 'a:/x', join('/tmp', 'y')])).stderr, '');
  });

  test('hands its flags on', async () => {
    const {asked} = await run(['-aL', '--platform', 'linux/arm64', 'a:/x', 'y']);
    assert.equal(asked[1], {platform: 'linux/arm64', followsLink: true, keepsOwners: true});
  });

  test('writes a tar to standard output, and none to a terminal', async () => {
    const {stdout, stderr, asked} = await run(['-L', 'a:/x', '-']);
    assert.equal([stdout, stderr], ['tar', '']);
    assert.equal(asked, [{reference: 'a', path: '/x'}, {followsLink: true}, 'closed']);
    const refused = await run(['a:/x', '-'], true);
    assert.equal([refused.code, refused.asked], [2, []]);
  });

  test('copies no images, and nothing into one', async () => {
    const {code, stderr} = await run(['app:1', 'app:2']);
    assert.is(code, 2);
    assert.match(stderr, /winch copy copies whole images/);
    assert.is((await run(['web:/x', 'other:/y'])).code, 2);
  });

  test('means a container where there is one of that name and no platform is given', async () => {
    assert.equal((await run(['web:/x', 'out'])).asked, ['web', '/x']);
    const {stdout, asked} = await run(['web:/x', '-']);
    assert.equal([stdout, asked], ['of web', ['closed']]);
    assert.equal((await run(['--platform', 'linux/arm64', 'web:/x', 'out'])).asked.length, 2);
  });

  test('copies a path or standard input into a container', async () => {
    assert.equal((await run(['-a', 'site/.', 'web:/srv'])).asked, [
      `${HOME}/site/.`,
      {container: 'web', path: '/srv'},
      {keepsOwners: true},
    ]);
    assert.equal((await run(['-', 'web:/srv'])).asked, ['piped', {container: 'web', path: '/srv'}, {}]);
    assert.is((await run(['/etc/x', 'web:/srv'])).asked[0], '/etc/x');
  });
});
