import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {startSupervisor} from '../../src/runtime/start-supervisor.ts';
import {runProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const MODULE = new URL('../../src/runtime/start-supervisor.ts', import.meta.url).href;

const say = async (script: string) => {
  using directory = makeTemporaryDirectory();
  const {created} = startSupervisor('/bin/sh', ['-c', script], {runtimeLog: join(directory.path, 'log')});
  return await created;
};

describe('runtime/start-supervisor', ({test}) => {
  test('has started what is over before anybody has read that it began', async () => {
    const replies = '{"data": 4711 }\\n{"data": 3 }\\n';
    assert.equal(await say(`printf '${replies}' >&3`), {pid: 4711});
  });

  test('passes on why nothing has started', async () => {
    const refused = '{"data": -1, "message": "no\\\\nroom\\\\n" }\\n';
    assert.equal(await say(`printf '${refused}' >&3`), {failure: 'no\nroom'});
    assert.equal(await say('echo unable >&2; exit 1'), {failure: 'unable'});
    assert.equal(await say('exit 1'), {failure: 'conmon ended without a word'});
  });

  test('waits for a reply, and for all of it', async () => {
    assert.equal(await say(`sleep 0.1; printf '{"data": 47' >&3; sleep 0.1; printf '11 }\\n' >&3; sleep 0.1`), {
      pid: 4711,
    });
  });

  test('what says nothing while something that it has started lives on has failed', async () => {
    assert.equal(await say('sleep 0.5 & echo gone >&2'), {failure: 'gone'});
  });

  test('more complaints than a pipe holds keep nobody waiting', async () => {
    const outcome = await say('yes no 2>&1 | head -c 300000 >&2; exit 1');
    assert.match('failure' in outcome ? outcome.failure : '', /^(no\n)+/);
  });

  test('what cannot be started leaves nothing open', () => {
    using directory = makeTemporaryDirectory();
    const countOpen = () => readdirSync('/proc/self/fd').length;
    const before = countOpen();
    assert.throws(
      () => startSupervisor('/nowhere/conmon', [], {runtimeLog: join(directory.path, 'log')}),
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
    );
    assert.is(countOpen(), before);
  });

  test('is left nothing of, once it has ended, and nobody waits for that', async () => {
    using directory = makeTemporaryDirectory();
    const log = JSON.stringify(join(directory.path, 'log'));
    const start = (script: string) =>
      `startSupervisor('/bin/sh', ['-c', ${JSON.stringify(script)}], {runtimeLog: ${log}})`;
    const {exitCode, stdout} = await runProgram(process.execPath, [
      '--input-type=module',
      '--eval',
      `import {existsSync} from 'node:fs';
      import {setTimeout as sleep} from 'node:timers/promises';
      import {startSupervisor} from ${JSON.stringify(MODULE)};
      const soonOver = ${start(`echo '{"data": 7}' >&3`)};
      await soonOver.created;
      for (let tries = 0; existsSync('/proc/' + soonOver.supervisorPid) && tries < 200; tries += 1) await sleep(5);
      console.log(existsSync('/proc/' + soonOver.supervisorPid));
      const long = ${start(`echo '{"data": 7}' >&3; exec sleep 30`)};
      await long.created;
      console.log(long.supervisorPid);`,
    ]);
    const [isLeft, pid] = stdout.trim().split('\n');
    assert.is(exitCode, 0);
    assert.is(isLeft, 'false');
    assert.ok(existsSync(`/proc/${pid}`));
    process.kill(Number(pid), 'SIGKILL');
  });

  test('hears of a reply, and of an end without one, in a thread and where the kernel tells of no changes', async () => {
    using directory = makeTemporaryDirectory();
    const log = JSON.stringify(join(directory.path, 'log'));
    const scripts = [`sleep 0.1; echo '{"data": 7}' >&3; sleep 0.5`, 'sleep 0.1; exit 1'];
    const ask = `
      (async () => {
        const {startSupervisor} = await import(${JSON.stringify(MODULE)});
        const told = [];
        for (const script of ${JSON.stringify(scripts)})
          told.push(await startSupervisor('/bin/sh', ['-c', script], {runtimeLog: ${log}}).created);
        console.log(JSON.stringify(told));
      })()`;
    const inThread = `new (require('node:worker_threads').Worker)(${JSON.stringify(ask)}, {eval: true});`;
    const untold = `
      require('node:fs').watch = () => { throw new Error('EMFILE'); };
      require('node:module').syncBuiltinESMExports();
      ${ask}`;
    for (const program of [inThread, untold]) {
      const {stdout} = await runProgram(process.execPath, ['--input-type=commonjs', '--eval', program]);
      assert.equal(JSON.parse(stdout), [{pid: 7}, {failure: 'conmon ended without a word'}]);
    }
  });
});
