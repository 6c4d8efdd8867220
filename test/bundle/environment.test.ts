import * as assert from 'uvu/assert';
import {imageOf} from '../../fixtures/runtime-spec/cases.ts';
import {createEnvironment} from '../../src/bundle/environment.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const environmentOf = (imageEnvironment: string[], environment: string[] = [], terminal = false) =>
  createEnvironment({
    image: imageOf({Env: imageEnvironment}),
    options: {environment, terminal},
    hostname: 'box',
    home: '/root',
  });

describe('bundle/environment', ({test}) => {
  test('gives PATH, HOSTNAME and HOME to an image that says nothing, and TERM with a terminal', () => {
    const path = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
    assert.equal(environmentOf([]), [path, 'HOSTNAME=box', 'HOME=/root']);
    assert.equal(environmentOf([], [], true), [path, 'HOSTNAME=box', 'TERM=xterm', 'HOME=/root']);
  });

  test('U19 lets the image win over the defaults and the caller over the image, each name once', () => {
    const environment = environmentOf(['PATH=/evil', 'HOME=/image', 'A=1', 'A=2'], ['A=3', 'HOME=', 'B=x=y']);
    assert.equal(environment, ['PATH=/evil', 'HOSTNAME=box', 'HOME=', 'A=3', 'B=x=y']);
  });

  test('keeps newlines of values', () => {
    assert.ok(environmentOf(['TEXT=two\nlines']).includes('TEXT=two\nlines'));
  });

  test('U19 takes nothing from winch’s own environment', () => {
    process.env.WINCH_TEST_CANARY = 'secret';
    try {
      assert.not.ok(environmentOf([]).join().includes('CANARY'));
    } finally {
      delete process.env.WINCH_TEST_CANARY;
    }
  });

  test('refuses entries without a name or with NUL, and tells no value', () => {
    for (const entry of ['=x', 'PLAIN', 'A=b\0c', 'TOKEN\0=hunter2']) {
      assert.is(
        codeOf(() => environmentOf([], [entry])),
        'ENVIRONMENT_INVALID',
      );
    }
    assert.throws(
      () => environmentOf([], ['TOKEN=hunter2\0']),
      (error: Error) => !error.message.includes('hunter2'),
    );
  });
});
