import * as assert from 'node:assert/strict';
import {execFile} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {HELLO_MESSAGE} from '../../fixtures/hello-world.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';

const HELLO = fileURLToPath(new URL('../../fixtures/hello.ts', import.meta.url));

describe('e2e/hello', ({test}) => {
  test(
    'the first container prints its text and nothing else, and ends with 0',
    async () => {
      const {stdout} = await promisify(execFile)(process.execPath, [HELLO]);
      assert.equal(stdout, HELLO_MESSAGE);
    },
    {skip: missingFor('runc')},
  );
});
