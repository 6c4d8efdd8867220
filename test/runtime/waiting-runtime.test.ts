import {existsSync, lstatSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {startProgram} from '../../src/host/start-program.ts';
import {canWait, startWaiting} from '../../src/runtime/waiting-runtime.ts';
import {runProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const MODULE = new URL('../../src/runtime/waiting-runtime.ts', import.meta.url).href;
const LARGER_THAN_ANY_PIPE = 16 * 1024 * 1024;

describe('runtime/waiting-runtime', ({test}) => {
  /** A runtime that copies the configuration of its bundle when `go` is there, or at once. */
  function startCopying(bundle: string, {waitsForGo = false} = {}) {
    const script = `
      echo > "$1/../opening"
      ${waitsForGo ? 'while ! [ -e "$1/../go" ]; do sleep 0.01; done' : ''}
      cat "$1/config.json" > "$1/../copy.part" && mv "$1/../copy.part" "$1/../copy"`;
    let pid = 0;
    const waiting = startWaiting({
      bundle,
      start: (directory) => {
        const program = startProgram({
          ...{path: '/bin/sh', words: ['-c', script, 'sh', directory], environment: {PATH: '/usr/bin:/bin'}},
          ...{streams: ['ignore', 'ignore', 'ignore'], hasOwnSession: true},
        });
        pid = program.pid;
        const exited = program.ended().then(({exitCode, signal}) => ({exitCode: exitCode ?? 128, failure: signal}));
        return {
          container: {pid, exited, forward: program.kill, killAll: async () => {}},
          end: async () => {
            // What copies as well: it would go on in a directory that is being removed.
            process.kill(-pid, 'SIGKILL');
            await exited;
          },
        };
      },
    });
    return {
      waiting,
      isAlive: () => existsSync(`/proc/${pid}`),
      exists: (name: string) => existsSync(join(bundle, name)),
    };
  }
  const writeConfig = (bundle: string, bytes: number) => writeFileSync(join(bundle, 'config.json'), 'c'.repeat(bytes));

  test('a runtime that reads already gets the configuration', async () => {
    using directory = makeTemporaryDirectory();
    const {waiting, exists} = startCopying(directory.path);
    while (!exists('copy.part')) await sleep(5);
    writeConfig(directory.path, 60_000);
    assert.equal(await waiting.proceed()?.exited, {exitCode: 0, failure: null});
    assert.is(readFileSync(join(directory.path, 'copy'), 'utf8'), 'c'.repeat(60_000));
    await waiting.giveUp();
  });

  test('a runtime that looks for it later finds it as well', async () => {
    using directory = makeTemporaryDirectory();
    const {waiting} = startCopying(directory.path, {waitsForGo: true});
    writeConfig(directory.path, 1000);
    const container = waiting.proceed();
    writeFileSync(join(directory.path, 'go'), '');
    assert.equal(await container?.exited, {exitCode: 0, failure: null});
    assert.is(readFileSync(join(directory.path, 'copy'), 'utf8'), 'c'.repeat(1000));
  });

  test('others that look for the configuration find nothing or the file', () => {
    using directory = makeTemporaryDirectory();
    const {waiting} = startCopying(directory.path, {waitsForGo: true});
    assert.not.ok(existsSync(join(directory.path, 'config.json')));
    writeConfig(directory.path, 10);
    assert.ok(lstatSync(join(directory.path, 'config.json')).isFile());
    return waiting.giveUp();
  });

  test('a configuration that no pipe holds is not given to a runtime that does not read yet', async () => {
    using directory = makeTemporaryDirectory();
    // One that reads as fast as it is written gets all of it.
    const {waiting, isAlive, exists} = startCopying(directory.path, {waitsForGo: true});
    while (!exists('opening')) await sleep(5);
    writeConfig(directory.path, LARGER_THAN_ANY_PIPE);
    assert.is(waiting.proceed(), null);
    await waiting.giveUp();
    assert.not.ok(isAlive());
    assert.not.ok(exists('copy'));
  });

  test('a runtime that is given up ends, and one that runs its bundle stays', async () => {
    using directory = makeTemporaryDirectory();
    mkdirSync(join(directory.path, 'first'));
    mkdirSync(join(directory.path, 'second'));
    const first = startCopying(join(directory.path, 'first'));
    await first.waiting.giveUp();
    assert.not.ok(first.isAlive());
    const second = startCopying(join(directory.path, 'second'), {waitsForGo: true});
    writeConfig(join(directory.path, 'second'), 10);
    const container = second.waiting.proceed();
    await second.waiting.giveUp();
    assert.ok(second.isAlive());
    writeFileSync(join(directory.path, 'second', 'go'), '');
    assert.equal(await container?.exited, {exitCode: 0, failure: null});
  });

  test('a runtime whose caller is killed finds the end of the pipe', async () => {
    using directory = makeTemporaryDirectory();
    const script = `
      const {startWaiting} = await import('${MODULE}');
      const {spawn} = await import('node:child_process');
      const {existsSync} = await import('node:fs');
      const bundle = ${JSON.stringify(directory.path)};
      startWaiting({bundle, start: (directory) => {
        const command = 'cat "$1/config.json" > "$1/../copy.part"; mv "$1/../copy.part" "$1/../copy"';
        spawn('/bin/sh', ['-c', command, 'sh', directory], {stdio: 'ignore', detached: true});
        return {container: {}, end: async () => {}};
      }});
      setInterval(() => existsSync(bundle + '/copy.part') && process.kill(process.pid, 'SIGKILL'), 5);`;
    await runProgram(process.execPath, ['--input-type=module', '-e', script]).catch(() => {});
    while (!existsSync(join(directory.path, 'copy'))) await sleep(5);
    assert.is(readFileSync(join(directory.path, 'copy'), 'utf8'), '');
  });

  test('only runc is known to read a pipe', () => {
    assert.ok(canWait('/usr/sbin/runc'));
    assert.not.ok(canWait('/usr/bin/crun'));
    assert.not.ok(canWait('/opt/runc/wrapper'));
  });
});
