import * as assert from 'node:assert/strict';
import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {eventually} from '../containers/kept/kept-store.ts';
import {tracesOf} from '../helpers/container-traces.ts';
import {missingFor, missingRoot} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch, type WinchCall, type WinchExit} from '../helpers/winch.ts';

/** With WINCH_TEST_LARGE=1 as many as a busy machine has in a minute. */
const isLarge = process.env.WINCH_TEST_LARGE === '1';
const AT_ONCE = isLarge ? 16 : 6;
const IN_SEQUENCE = isLarge ? 200 : 10;
const skip = missingFor('runc', 'busybox');
/** Runs its words and tells which processes are there afterwards, itself left out. */
const OBSERVER = `
const [program, ...words] = process.argv.slice(1);
require('node:child_process').spawnSync(program, words, {stdio: 'inherit'});
const {readdirSync, readFileSync} = require('node:fs');
const others = readdirSync('/proc').filter((name) => Number(name) > 1);
console.log(JSON.stringify(others.map((pid) => readFileSync('/proc/' + pid + '/stat', 'latin1'))));`;

/** Many runs of one image: each ends as it should, and nothing of any is left. */
describe('e2e/many-runs', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown, own = skip) =>
    declare(title, body, {skip: own, timeoutMs: 600_000});
  let winch: Winch | undefined;
  let image = '';
  before(async () => {
    if (skip !== undefined) return;
    winch = makeWinch();
    await using registry = await startRegistry();
    registry.put('busybox', '1', busyboxImage());
    image = `${registry.host}/busybox:1`;
    assert.equal((await winch.run(['pull', '-q', image])).exitCode, 0);
    // The first one may have to extract the layers, and says so.
    assert.equal((await run([], 'true')).exitCode, 0);
  });
  after(() => winch?.[Symbol.dispose]());

  const run = (more: readonly string[], script: string, call?: WinchCall): Promise<WinchExit> =>
    (winch ?? fail()).run(['run', '--network', 'none', ...more, image, 'sh', '-c', script], call);
  const requireNothingLeft = () => {
    const {root, runtimeDirectory} = winch ?? fail();
    const left = readdirSync(join(root, 'containers')).filter((name) => name !== '.locks');
    assert.deepEqual(left, []);
    assert.deepEqual(readdirSync(join(root, 'containers', '.locks')), []);
    assert.deepEqual(tracesOf([root], {root, runtimeDirectory}), []);
  };

  test(
    'leaves no process to a first process that takes no orphans in',
    async () => {
      const alone = ['unshare', '--pid', '--fork', '--mount-proc', process.execPath, '-e', OBSERVER];
      const {stdout, stderr} = await run([], 'echo done', {within: alone});
      assert.equal(stdout, 'done\n[]\n', stderr);
    },
    skip ?? missingRoot(),
  );

  test(`U15 ${AT_ONCE} at once all get through, with files of their own`, async () => {
    const numbers = Array.from({length: AT_ONCE}, (_, index) => index);
    const exits = await Promise.all(numbers.map((index) => run([], `echo ${index} > /n; cat /n; exit ${index}`)));
    const outcomes = exits.map(({exitCode, stdout, stderr}) => `${exitCode} ${stdout}${stderr}`);
    assert.deepEqual(
      outcomes,
      numbers.map((index) => `${index} ${index}\n`),
    );
    requireNothingLeft();
  });

  test(`U15 ${IN_SEQUENCE} one after the other leave nothing`, async () => {
    for (let count = 0; count < IN_SEQUENCE; count += 1) {
      const {exitCode, stdout, stderr} = await run([], 'echo up');
      assert.deepEqual([exitCode, stdout, stderr], [0, 'up\n', '']);
    }
    requireNothingLeft();
  });

  test(`U15 of ${AT_ONCE} with one name exactly one gets it, and the others are told who has it`, async () => {
    const script = 'echo up; read line; exit 7';
    const words = ['run', '-i', '--network', 'none', '--name', 'twin', image, 'sh', '-c', script];
    const twins = Array.from({length: AT_ONCE}, () => (winch ?? fail()).start(words, {input: null}));
    const isOver = ({child}: (typeof twins)[number]) => child.exitCode !== null;
    // Whoever has the name keeps it until all others have been refused.
    await eventually(() => twins.filter(isOver).length === AT_ONCE - 1);
    const winner = twins.find((twin) => !isOver(twin));
    for (const loser of twins.filter(isOver)) {
      const {exitCode, stderr} = await loser.exited;
      assert.equal(exitCode, 125);
      assert.match(stderr, /NAME_IN_USE: the name twin belongs to the running container [0-9a-f]{12}/);
    }
    winner?.stdin.end('go\n');
    assert.equal((await winner?.exited)?.exitCode, 7);
    requireNothingLeft();
  });
});

const fail = (): never => {
  throw new Error('there is no store');
};
