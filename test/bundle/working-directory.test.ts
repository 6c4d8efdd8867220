import * as assert from 'uvu/assert';
import {imageOf} from '../../fixtures/runtime-spec/cases.ts';
import {createWorkingDirectory} from '../../src/bundle/working-directory.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

describe('bundle/working-directory', ({test}) => {
  const bad = [
    '/proc/self/fd/7',
    '/proc',
    '/a/../proc/self/fd/8',
    '//proc/1/cwd',
    '/sys',
    '/dev/fd/9',
    'proc/self',
    'a\0b',
  ];
  for (const path of bad) {
    test(`U01 refuses ${JSON.stringify(path)} of an image (CVE-2024-21626)`, () => {
      assert.is(
        codeOf(() => createWorkingDirectory(imageOf({WorkingDir: path}), {})),
        'WORKING_DIRECTORY_INVALID',
      );
    });
  }

  test('makes the image’s path absolute and plain', () => {
    const table = {'': '/', src: '/src', '/a//b/': '/a/b', '../..': '/', '/process': '/process'};
    for (const [path, expected] of Object.entries(table)) {
      assert.is(createWorkingDirectory(imageOf({WorkingDir: path}), {}), expected, path);
    }
  });

  test('prefers the caller’s, which must be absolute', () => {
    assert.is(createWorkingDirectory(imageOf({WorkingDir: '/a'}), {workingDirectory: '/b'}), '/b');
    assert.is(
      codeOf(() => createWorkingDirectory(null, {workingDirectory: 'b'})),
      'WORKING_DIRECTORY_INVALID',
    );
  });
});
