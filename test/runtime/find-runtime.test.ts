import {mkdirSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {isWinchError} from '../../src/errors.ts';
import {findRuntime} from '../../src/runtime/find-runtime.ts';
import {findProgram} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

describe('runtime/find-runtime', ({test}) => {
  const isRefused = (runtime: string) =>
    assert.throws(
      () => findRuntime(runtime),
      (error: unknown) => isWinchError(error, 'RUNTIME_NOT_FOUND') && error.message.includes(runtime),
    );

  test('finds a name in the system directories alone', () => {
    assert.is(findRuntime('sh'), findProgram('sh'));
    for (const runtime of ['no-such-runtime', './sh', 'bin/sh', '../bin/sh', '', '.', '..']) isRefused(runtime);
  });

  test(
    'finds runc when nothing is named',
    () => {
      assert.is(findRuntime(), findProgram('runc'));
    },
    {skip: findProgram('runc') ? undefined : 'not installed: runc'},
  );

  test('takes an absolute path of a program, also by a link, and nothing else', () => {
    using directory = makeTemporaryDirectory();
    const at = (name: string) => join(directory.path, name);
    writeFileSync(at('program'), '', {mode: 0o755});
    symlinkSync('program', at('link'));
    assert.is(findRuntime(at('program')), at('program'));
    assert.is(findRuntime(at('link')), at('link'));
    writeFileSync(at('text'), '', {mode: 0o644});
    mkdirSync(at('directory'));
    symlinkSync('loop', at('loop'));
    for (const name of ['text', 'directory', 'loop', 'absent', 'program/below', 'x'.repeat(300)]) isRefused(at(name));
  });
});
