import {closeSync, constants, openSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {Worker} from 'node:worker_threads';
import * as assert from 'uvu/assert';
import {startProgram} from '../../src/host/start-program.ts';
import {runProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const MODULE = new URL('../../src/host/start-program.ts', import.meta.url).href;
const ENVIRONMENT = {PATH: '/usr/bin:/bin'};

describe('host/start-program', ({test}) => {
  const shell = (script: string, options: Partial<Parameters<typeof startProgram>[0]> = {}) =>
    startProgram({
      ...{path: '/bin/sh', words: ['-c', script], environment: ENVIRONMENT},
      ...{streams: ['ignore', 'ignore', 'ignore'], hasOwnSession: false, ...options},
    });

  /** What a program prints. */
  const output = async (script: string, options: Partial<Parameters<typeof startProgram>[0]> = {}): Promise<string> => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'output');
    const fd = openSync(path, 'w');
    const program = shell(script, {streams: ['ignore', fd, fd], ...options});
    closeSync(fd);
    await program.ended();
    return readFileSync(path, 'utf8');
  };

  test('tells with what a program ended', async () => {
    assert.equal(await shell('exit 7').ended(), {exitCode: 7, signal: null});
    assert.equal(await shell('kill -USR2 $$').ended(), {exitCode: null, signal: 'SIGUSR2'});
  });

  test('programs that end at the same moment are all noticed', async () => {
    const programs = Array.from({length: 8}, (_, index) => shell(`exit ${index}`));
    const exits = await Promise.all(programs.map((program) => program.ended()));
    assert.equal(
      exits.map(({exitCode}) => exitCode),
      [0, 1, 2, 3, 4, 5, 6, 7],
    );
  });

  test('any number of programs is waited for without a warning, and the limit is as before', async () => {
    const [warnings, most]: [Error[], number] = [[], process.getMaxListeners()];
    const onWarning = (warning: Error) => void warnings.push(warning);
    process.on('warning', onWarning);
    await Promise.all(Array.from({length: 20}, () => shell('sleep 0.1').ended()));
    process.off('warning', onWarning);
    assert.equal(warnings, []);
    assert.is(process.getMaxListeners(), most);
  });

  test('a program that ended before anybody waited is noticed', async () => {
    const program = shell('exit 5');
    while (!/^\d+ \(sh\) Z/.test(readFileSync(`/proc/${program.pid}/stat`, 'utf8')));
    assert.equal(await program.ended(), {exitCode: 5, signal: null});
  });

  test('passes words and variables as they are, and nothing of this process', async () => {
    assert.is(await output('', {path: '/usr/bin/printenv', words: [], environment: {A: '$(id) ü'}}), 'A=$(id) ü\n');
    assert.is(await output('', {path: '/bin/echo', words: ['a b', '', '; id', '*']}), 'a b  ; id *\n');
  });

  test('refuses words that would be cut', () => {
    assert.throws(() => shell('', {words: ['a', 'b\0c', 'd']}), /has a NUL/);
    assert.throws(() => shell('', {words: ['a', undefined as never, 'd']}), /or is none/);
    assert.throws(() => shell('', {environment: {A: '\0'}}), /has a NUL/);
  });

  test('begins in the root directory, with no signal blocked or ignored', async () => {
    assert.is(await output('pwd'), '/\n');
    const status = await output('', {path: '/bin/cat', words: ['/proc/self/status']});
    assert.match(status, /^SigBlk:\t0+$/m);
    assert.match(status, /^SigIgn:\t0+$/m);
  });

  test('has the streams that it was given, and no others', async () => {
    using directory = makeTemporaryDirectory();
    const list = {path: '/bin/ls', words: ['/proc/self/fd']};
    assert.is(await output('', list), (await runProgram(list.path, list.words)).stdout, "as Node's own function");
    const held = openSync(directory.path, 'r');
    const file = openSync(join(directory.path, 'list'), 'w');
    await shell('', {path: '/bin/ls', words: ['-l', '/proc/self/fd'], streams: ['ignore', file, file, held]}).ended();
    closeSync(held);
    closeSync(file);
    const listed = readFileSync(join(directory.path, 'list'), 'utf8');
    assert.match(listed, / 0 -> \/dev\/null\n/);
    assert.match(listed, ` 1 -> ${directory.path}/list\n`);
    assert.match(listed, ` 3 -> ${directory.path}\n`);
  });

  test('refuses a descriptor that another one would have replaced', () => {
    assert.throws(() => shell('', {streams: ['ignore', 0, 'ignore']}), /descriptor 0 cannot become 1/);
  });

  test('has a session of its own when it is to', async () => {
    const session = (hasOwnSession: boolean) =>
      output('read -r pid name state parent group session rest </proc/self/stat; echo "$$ $session"', {hasOwnSession});
    const [own = '', leader = ''] = (await session(true)).trim().split(' ');
    assert.is(own, leader);
    const [pid = '', inherited = ''] = (await session(false)).trim().split(' ');
    assert.is.not(pid, inherited);
  });

  test('a pipe that Node lets make nobody wait makes the program wait', async () => {
    const script = `
      const fs = require('node:fs');
      const flags = () => /flags:\\s*(\\d+)/.exec(fs.readFileSync('/proc/self/fdinfo/1', 'utf8'))[1];
      process.stdout;
      const before = flags();
      import('${MODULE}').then(async ({startProgram}) => {
        const request = {path: '/bin/true', words: [], environment: {}, streams: ['ignore', 1, 2], hasOwnSession: true};
        await startProgram(request).ended();
        fs.writeSync(1, before + ' ' + flags());
      });`;
    const {stdout} = await runProgram(process.execPath, ['-e', script]);
    const [before = 0, after = 0] = stdout.split(' ').map((flags) => Number.parseInt(flags, 8));
    assert.ok((before & constants.O_NONBLOCK) !== 0, stdout);
    assert.is(after, before & ~constants.O_NONBLOCK);
  });

  test('sends signals, and none when it has ended', async () => {
    const program = shell('sleep 30');
    program.kill('SIGTERM');
    assert.equal(await program.ended(), {exitCode: null, signal: 'SIGTERM'});
    program.kill('SIGTERM');
  });

  test('waits no longer than it is told to', async () => {
    const program = shell('sleep 30');
    await program.endedWithin(10);
    program.kill('SIGKILL');
    await program.endedWithin(30_000);
    assert.equal(await program.ended(), {exitCode: null, signal: 'SIGKILL'});
  });

  test('says which program could not be started', () => {
    assert.throws(
      () => shell('', {path: '/nowhere/program'}),
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT' && error.message.includes('/nowhere/program'),
    );
  });

  test('notices the end in a worker as well', async () => {
    const script = `
      const {parentPort} = require('node:worker_threads');
      import('${MODULE}').then(async ({startProgram}) => {
        const streams = ['ignore', 'ignore', 'ignore'];
        const request = {path: '/bin/sh', words: ['-c', 'exit 9'], environment: {}, streams, hasOwnSession: true};
        parentPort.postMessage(await startProgram(request).ended());
      });`;
    const worker = new Worker(script, {eval: true});
    const exit = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    await worker.terminate();
    assert.equal(exit, {exitCode: 9, signal: null});
  });
});
