import * as assert from 'uvu/assert';
import type {RunRequest} from '../../../src/containers/run.ts';
import {WinchError} from '../../../src/errors.ts';
import type {CallOptions} from '../../../src/events.ts';
import {describe} from '../../helpers/suite.ts';
import {type Fakes, runWinch} from '../run-winch.ts';

const ended = {id: 'a', exitCode: 0, outOfMemory: false, timedOut: false};

const fails = (error: unknown): Fakes => ({containers: {run: () => Promise.reject(error)}});

describe('cli/commands/run', ({test}) => {
  test("ends with the container's own code and prints nothing itself", async () => {
    const requests: RunRequest[] = [];
    const run = async (request: RunRequest) => {
      requests.push(request);
      return {...ended, exitCode: 37};
    };
    const {code, stdout, stderr, closed} = await runWinch(['run', 'alpine', 'sh', '-c', 'exit 37'], {
      containers: {run},
    });
    assert.equal([code, stdout, stderr, closed], [37, '', '', 1]);
    assert.equal(requests, [
      {image: 'alpine', policy: 'missing', container: {command: ['sh', '-c', 'exit 37'], network: 'host'}},
    ]);
  });

  test('hands signals over once the container has started', async () => {
    const run = async (_: RunRequest, {onEvent}: CallOptions = {}) => {
      onEvent?.({type: 'container:started', id: 'a'});
      return ended;
    };
    assert.is((await runWinch(['run', 'alpine'], {containers: {run}})).released, 1);
    assert.is((await runWinch(['run', 'alpine'], {containers: {run: async () => ended}})).released, 0);
  });

  for (const end of [
    {type: 'container:exited', id: 'a', exitCode: 0},
    {type: 'container:abandoned', id: 'a'},
  ] as const) {
    test(`takes signals back after ${end.type}`, async () => {
      const run = async (_: RunRequest, {onEvent}: CallOptions = {}) => {
        for (const event of [{type: 'container:started', id: 'a'}, end] as const) onEvent?.(event);
        return ended;
      };
      const outcome = await runWinch(['run', 'alpine'], {containers: {run}});
      assert.equal([outcome.released, outcome.ended, outcome.stderr], [1, 1, '']);
    });
  }

  test('says why a container was killed', async () => {
    const timedOut = async () => ({...ended, exitCode: 137, timedOut: true});
    const outcome = await runWinch(['run', '--timeout', '5', 'alpine'], {containers: {run: timedOut}});
    assert.is(outcome.code, 137);
    assert.is(outcome.stderr, 'winch: the container was ended after 5 seconds (--timeout)\n');
    const outOfMemory = async () => ({...ended, exitCode: 137, outOfMemory: true});
    const {stderr} = await runWinch(['run', '-m', '32m', 'alpine'], {containers: {run: outOfMemory}});
    assert.is(stderr, 'winch: killed: out of memory (limit 33554432 bytes, --memory)\n');
  });

  const codes: readonly (readonly [string, unknown, number])[] = [
    ['its own failures', new WinchError('MANIFEST_UNKNOWN', 'no such tag', {kind: 'not-found'}), 125],
    ["the runtime's", new WinchError('RUNTIME_FAILED', 'runc failed', {kind: 'runtime'}), 125],
    ['commands that cannot be executed', new WinchError('COMMAND_NOT_EXECUTABLE', 'x', {kind: 'runtime'}), 126],
    ['commands that are not there', new WinchError('COMMAND_NOT_FOUND', 'x', {kind: 'runtime'}), 127],
    ['bugs', new TypeError('undefined is not a function'), 125],
  ];
  for (const [what, error, code] of codes) {
    test(`ends with ${code} for ${what}`, async () =>
      assert.is((await runWinch(['run', 'alpine'], fails(error))).code, code));
  }

  test('ends with 125 for its own flags, as docker does', async () => {
    const {code, stderr, opened} = await runWinch(['run', '--memry', '1g', 'alpine']);
    assert.is(code, 125);
    assert.is(stderr, 'winch: FLAG_UNKNOWN: winch run has no flag "--memry": did you mean --memory?\n');
    assert.equal(opened, []);
  });

  test('leaves flags behind the image to the command', async () => {
    const requests: RunRequest[] = [];
    const run = async (request: RunRequest) => {
      requests.push(request);
      return ended;
    };
    await runWinch(['run', '--', 'alpine', '--help', '--root', 'x'], {containers: {run}});
    assert.equal(requests[0]?.container?.command, ['--help', '--root', 'x']);
  });
});
