import * as assert from 'uvu/assert';
import {imageOf} from '../../fixtures/runtime-spec/cases.ts';
import {createCommand} from '../../src/bundle/command.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const IMAGE = imageOf({Entrypoint: ['/entry', '-x'], Cmd: ['serve']});

describe('bundle/command', ({test}) => {
  test('joins the entrypoint and the command of the image', () => {
    assert.equal(createCommand(IMAGE, {}), ['/entry', '-x', 'serve']);
  });

  test('replaces only the command by the caller’s', () => {
    assert.equal(createCommand(IMAGE, {command: ['sh', '-c', 'true']}), ['/entry', '-x', 'sh', '-c', 'true']);
  });

  test('drops the image’s command with its entrypoint', () => {
    assert.equal(createCommand(IMAGE, {entrypoint: ['/other']}), ['/other']);
    assert.equal(createCommand(IMAGE, {entrypoint: [], command: ['id']}), ['id']);
  });

  test('refuses to run nothing', () => {
    for (const [image, options] of [
      [imageOf({}), {}],
      [null, {}],
      [IMAGE, {entrypoint: []}],
      [imageOf({Cmd: ['']}), {}],
    ] as const) {
      assert.is(
        codeOf(() => createCommand(image, options)),
        'COMMAND_MISSING',
      );
    }
  });

  test('refuses a NUL byte, which execve would take for the end', () => {
    assert.is(
      codeOf(() => createCommand(null, {command: ['id', 'a\0b']})),
      'COMMAND_INVALID',
    );
  });
});
