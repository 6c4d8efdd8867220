import * as assert from 'uvu/assert';
import {interruptedBy} from '../../src/cli/exit-codes.ts';
import {WinchError} from '../../src/errors.ts';
import {describe} from '../helpers/suite.ts';
import {runWinch} from './run-winch.ts';
import {pullEachBy} from './samples.ts';

describe('cli/run-cli', ({test}) => {
  test('shows an overview without a command, for help and for --help', async () => {
    const {code, stdout, stderr} = await runWinch([]);
    assert.equal([code, stderr], [0, '']);
    assert.match(stdout, /winch pull +Download images/);
    assert.is((await runWinch(['--help'])).stdout, stdout);
    assert.is((await runWinch(['help'])).stdout, stdout);
    assert.is((await runWinch(['-h'])).stdout, stdout);
  });

  test('shows the page of a command wherever --help stands', async () => {
    const {code, stdout} = await runWinch(['pull', '--help']);
    assert.is(code, 0);
    assert.match(stdout, /^winch pull \[OPTION\.\.\.\] IMAGE\.\.\./);
    assert.is((await runWinch(['help', 'pull'])).stdout, stdout);
    assert.is((await runWinch(['--help', 'pull'])).stdout, stdout);
    assert.is((await runWinch(['pull', 'alpine', '-h'])).stdout, stdout);
  });

  test('shows the commands of a group, and the page of one of them', async () => {
    const {code, stdout} = await runWinch(['blob', '--help']);
    assert.is(code, 0);
    assert.match(stdout, /winch blob get +Print.*\n +winch blob head +Tell/);
    for (const words of [
      ['blob', '-h'],
      ['help', 'blob'],
      ['--help', 'blob'],
    ]) {
      assert.is((await runWinch(words)).stdout, stdout);
    }
    const page = await runWinch(['blob', 'get', '--help']);
    assert.match(page.stdout, /^winch blob get \[OPTION\.\.\.\] REPOSITORY@DIGEST/);
    assert.is((await runWinch(['help', 'blob', 'get'])).stdout, page.stdout);
  });

  test('leaves -h to the host name of run', async () => {
    assert.match((await runWinch(['run', '-h'])).stderr, 'FLAG_WITHOUT_VALUE: -h needs a value: write -h NAME');
  });

  test('prints its version', async () => {
    for (const words of [['--version'], ['-v'], ['--root', 'x', '--version']]) {
      assert.match((await runWinch(words)).stdout, /^winch \d+\.\d+\.\d+\n$/);
    }
  });

  const usage: readonly (readonly [string, string])[] = [
    ['pul', 'winch: COMMAND_UNKNOWN: winch has no command "pul": did you mean winch pull?\n'],
    ['frobnicate', 'winch: COMMAND_UNKNOWN: winch has no command "frobnicate": see winch --help\n'],
    ['__proto__', 'winch: COMMAND_UNKNOWN: winch has no command "__proto__": see winch --help\n'],
    ['help zzzzz', 'winch: COMMAND_UNKNOWN: winch has no command "zzzzz": see winch --help\n'],
    ['manifest', 'winch: COMMAND_UNKNOWN: winch manifest needs a second word: one of get, put, delete\n'],
    [
      'manifest gte x',
      'winch: COMMAND_UNKNOWN: winch has no command "manifest gte": did you mean winch manifest get?\n',
    ],
    ['manifest nope', 'winch: COMMAND_UNKNOWN: winch has no command "manifest nope": see winch manifest --help\n'],
    ['manifset get x', 'winch: COMMAND_UNKNOWN: winch has no command "manifset": did you mean winch manifest?\n'],
    ['--rot x pull', 'winch: FLAG_UNKNOWN: winch has no flag "--rot": did you mean --root?\n'],
    [
      'pull',
      'winch: ARGUMENTS_INVALID: winch pull: too few arguments: write winch pull IMAGE...; see winch pull --help\n',
    ],
    [
      'df x',
      'winch: ARGUMENTS_INVALID: winch df: too many arguments from "x" on: write winch df; see winch df --help\n',
    ],
  ];
  for (const [line, stderr] of usage) {
    test(`refuses winch ${line} in one line`, async () => {
      const outcome = await runWinch(line.split(' '));
      assert.equal([outcome.code, outcome.stdout, outcome.stderr], [2, '', stderr]);
      assert.equal(outcome.opened, []);
    });
  }

  test('takes global flags before and after the command', async () => {
    const images = {list: async () => []};
    assert.is((await runWinch(['--root', '/a', 'images'], {images})).opened[0]?.root, '/a');
    assert.is((await runWinch(['images', '--root', '/b'], {images})).opened[0]?.root, '/b');
    assert.is((await runWinch(['--root', '/a', 'images', '--root=/b'], {images})).opened[0]?.root, '/b');
    assert.is((await runWinch(['--durability', 'fast', 'images'], {images})).opened[0]?.durability, 'fast');
  });

  test('reports errors as JSON lines where standard error is for machines', async () => {
    const list = () => Promise.reject(new WinchError('STORE_IO', 'no\x1bspace', {kind: 'storage', hint: 'free some'}));
    const {code, stderr} = await runWinch(['images', '--progress', 'json'], {images: {list}});
    assert.is(code, 6);
    assert.equal(JSON.parse(stderr), {
      type: 'error:raised',
      code: 'STORE_IO',
      kind: 'storage',
      message: 'no\x1bspace',
      hint: 'free some',
    });
  });

  test('reports bugs with their stack', async () => {
    const list = () => Promise.reject(new TypeError('oops'));
    const {code, stderr} = await runWinch(['images'], {images: {list}});
    assert.is(code, 1);
    assert.match(stderr, /^winch: BUG: TypeError: oops\n +at /);
    assert.match(stderr, /please report it with the lines above\.\n$/);
  });

  test('adds the stack of an expected error when asked', async () => {
    const list = () => Promise.reject(new WinchError('STORE_IO', 'no space', {kind: 'storage'}));
    const {stderr} = await runWinch(['images', '--debug'], {images: {list}});
    assert.match(stderr, /^winch: STORE_IO: no space\nWinchError: no space\n +at /);
  });

  test('blames the signal for whatever fails after it', async () => {
    const controller = new AbortController();
    const pull = () => {
      controller.abort(interruptedBy('SIGTERM'));
      return Promise.reject(new Error('socket hang up'));
    };
    const {code, stderr, closed} = await runWinch(['pull', 'a'], {
      images: {pullEach: pullEachBy(pull)},
      signal: controller.signal,
    });
    assert.equal([code, closed], [143, 1]);
    assert.match(stderr, /^winch: INTERRUPTED: stopped by SIGTERM: /);
  });

  test('refuses a reference before it opens anything for --insecure', async () => {
    const {code, stderr} = await runWinch(['pull', '--insecure', 'Bad/Name']);
    assert.is(code, 2);
    assert.match(stderr, 'winch: REFERENCE_INVALID: ');
  });
});
