import * as assert from 'uvu/assert';
import type {FilesOptions, ImageFile} from '../../../src/images/list-files.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';

const FILE: ImageFile = {
  path: '/bin/su',
  type: 'file',
  size: 1500,
  mode: 0o4755,
  uid: 0,
  gid: 42,
  linkTarget: null,
  hardLink: null,
  device: null,
  modified: '2024-02-03T04:05:06.789Z',
  layer: 2,
  digest: null,
};

const FILES: readonly ImageFile[] = [
  FILE,
  {...FILE, path: '/b\x1b[2J', type: 'symlink', mode: 0o777, size: 0, linkTarget: 'x\n'},
  {...FILE, path: '/same', hardLink: '/bin/su', mode: 0o2644},
  {...FILE, path: '/tmp', type: 'directory', mode: 0o1777, size: 0},
  {...FILE, path: '/sda', type: 'block', mode: 0o1660, device: '8:0', modified: null},
  {...FILE, path: '/gone', type: 'whiteout', mode: 0, size: 0},
];

describe('cli/commands/files', ({test}) => {
  const run = async (files: readonly ImageFile[], ...words: readonly string[]) => {
    const asked: unknown[] = [];
    const outcome = await runWinch(['files', 'app:1', ...words], {
      images: {
        files: async function* (name: string, {signal: _, onEvent: __, ...options}: FilesOptions = {}) {
          asked.push(name, options);
          yield* files;
        },
      },
    });
    return {...outcome, asked};
  };

  test('prints one file a line, escaped', async () => {
    const {code, stdout, stderr, asked} = await run(FILES);
    assert.equal([code, stderr, asked], [0, '', ['app:1', {}]]);
    assert.equal(stdout.split('\n'), [
      'MODE        OWNER                SIZE  MODIFIED          LAYER  PATH',
      '-rwsr-xr-x  0:42                 1500  2024-02-03 04:05      2  /bin/su',
      'lrwxrwxrwx  0:42                    0  2024-02-03 04:05      2  /b\\x1b[2J → x\\x0a',
      '-rw-r-Sr--  0:42                 1500  2024-02-03 04:05      2  /same link to /bin/su',
      'drwxrwxrwt  0:42                    0  2024-02-03 04:05      2  /tmp',
      'brw-rw---T  0:42                  8:0  -                     2  /sda',
      'w---------  0:42                    0  2024-02-03 04:05      2  /gone',
      '',
    ]);
  });

  test('prints digests and paths on demand, and hands its flags on', async () => {
    const {stdout, asked} = await run(
      [{...FILE, digest: `sha256:${'a'.repeat(64)}`}, ...FILES.slice(3, 4)],
      ...['/bin', '--digests', '--layer', '2', '--platform', 'linux/arm64'],
    );
    assert.match(stdout, /DIGEST {67}PATH\n.* {2}sha256:a{64} {2}\/bin\/su\n.* {2}- {72}\/tmp\n$/);
    assert.equal(asked[1], {layer: '2', hasDigests: true, platform: 'linux/arm64', path: '/bin'});
    assert.is((await run(FILES.slice(0, 2), '-q')).stdout, '/bin/su\n/b\\x1b[2J\n');
    assert.is((await run([], '-q')).stdout, '');
  });

  test('prints one JSON document, whatever the number of files', async () => {
    for (const count of [0, 1, 2, 1999, 2000, 2001, 5000]) {
      const files = Array.from({length: count}, (_, index) => ({...FILE, path: `/\u202e${index}`}));
      const {stdout} = await run(files, '-f', 'json');
      assert.equal(JSON.parse(stdout), files);
      assert.not.match(stdout, '\u202e');
      assert.is(stdout.split('\n').length, count + 3);
    }
  });
});
