import {createHash, randomBytes} from 'node:crypto';
import {once} from 'node:events';
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import type {ExecRequest} from '../../../src/containers/kept/exec-container.ts';
import {identifyProcess} from '../../../src/host/process-identity.ts';
import {tracesOf} from '../../helpers/container-traces.ts';
import {missingCgroup, missingFor, missingRoot} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';
import {WRITTEN} from '../../helpers/written-directory.ts';
import {eventually, IMAGE, type KeptStore, openKeptStore} from './kept-store.ts';
import {startExec} from './start-exec.ts';

const skip = missingFor('runc', 'busybox', 'conmon');
const SEVERAL_MEGABYTES = 8 * 2 ** 20;

describe('containers/kept/exec', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown, lacking?: string) =>
    declare(title, body, {skip: skip ?? lacking, timeoutMs: 240_000});
  let opened: KeptStore | undefined;
  let running = '';
  const store = (): KeptStore => opened ?? fail();
  const containers = () => store().toolkit.containers;
  const start = (request: ExecRequest, input?: Buffer | null, id = running) => startExec(store(), id, request, input);
  const exec = async (request: ExecRequest, input?: Buffer) => await start(request, input).ended;
  const shell = async (script: string, more: Partial<ExecRequest> = {}) => {
    const {code, stdout, stderr} = await exec({...more, command: ['sh', '-c', script]});
    assert.equal([code, stderr], [0, '']);
    return stdout.toString().trimEnd().split('\n');
  };
  const codeOf = async (request: Partial<ExecRequest>, id = running) => {
    const {code, stderr} = await start({command: ['true'], ...request}, undefined, id).ended;
    return code === 99 ? stderr.trim() : `no error: ${code} ${stderr}`;
  };
  const membersOf = (id: string) => readFileSync(`/sys/fs/cgroup/pids/winch-${id}/cgroup.procs`, 'utf8').split('\n');

  before(async () => {
    if (skip !== undefined) return;
    opened = await openKeptStore();
    const container = {environment: ['TOKEN=canary'], workingDirectory: '/home', hostname: 'box'};
    running = await opened.start('echo up; sleep 600', {name: 'target', container});
  });
  after(() => opened?.[Symbol.asyncDispose]());

  test('ends with the code of the command, and its streams are its own', async () => {
    const {code, stdout, stderr} = await exec({command: ['sh', '-c', 'echo out; echo err >&2; exit 3']});
    assert.equal([code, stdout.toString(), stderr], [3, 'out\n', 'err\n']);
    assert.is((await exec({command: ['sh', '-c', 'kill -9 $$']})).code, 137);
  });

  test('passes on input and output byte for byte', async () => {
    const bytes = randomBytes(SEVERAL_MEGABYTES);
    const hash = (piece: Buffer) => createHash('sha256').update(piece).digest('hex');
    const {code, stdout} = await exec({command: ['cat'], interactive: true}, bytes);
    assert.equal([code, hash(stdout)], [0, hash(bytes)]);
    assert.is((await exec({command: ['cat']}, bytes)).stdout.length, 0, 'without being asked, nothing is read');
  });

  test(
    'is as the first process, unless something else is asked for',
    async () => {
      const show = 'id -u; pwd; echo $TOKEN $HOME $HOSTNAME; grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/self/status';
      const first = await shell(`${show}; hostname`);
      const status = await shell('grep -E "^(CapEff|NoNewPrivs|Seccomp):" /proc/1/status');
      assert.equal(first, ['0', '/home', 'canary /root box', ...status, 'box']);
      const other = await shell(show, {user: 'alice', workingDirectory: '/tmp', environment: ['TOKEN=mine', 'MORE=1']});
      assert.equal(other.slice(0, 3), ['1000', '/tmp', 'mine /home/alice box']);
      assert.equal(
        other.filter((line) => line.startsWith('CapEff')),
        ['CapEff:\t0000000000000000'],
      );
      assert.equal(await shell('id -G; pwd', {user: 'alice:staff', workingDirectory: 'alice'}), ['50', '/home/alice']);
      const [capabilities, noNewPrivileges, filter] = (await shell(show, {privileged: true})).slice(3);
      const own = /^CapBnd:\s*(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
      assert.equal([capabilities, noNewPrivileges, filter], [`CapEff:\t${own}`, 'NoNewPrivs:\t0', status[2]]);
    },
    missingRoot(),
  );

  test('keeps limits that JavaScript would round', async () => {
    const ulimits = [{name: 'core', soft: -1, hard: -1}];
    const id = await store().start('sleep 600', {container: {ulimits}});
    const {stdout} = await start({command: ['sh', '-c', 'ulimit -c']}, undefined, id).ended;
    assert.is(stdout.toString(), 'unlimited\n');
    await containers().remove(id, {force: true});
  });

  test('says what cannot be run, and where', async () => {
    assert.is(await codeOf({command: ['nothing']}), 'COMMAND_NOT_FOUND');
    assert.is(await codeOf({command: ['/etc/passwd']}), 'COMMAND_NOT_EXECUTABLE');
    assert.is(await codeOf({user: 'nobody-such'}), 'USER_UNKNOWN');
    assert.is(await codeOf({workingDirectory: '/none'}), 'WORKING_DIRECTORY_INVALID');
    assert.is(await codeOf({workingDirectory: '/proc/self/fd/7'}), 'WORKING_DIRECTORY_INVALID');
    await shell('readlink /tmp/out || busybox ln -s /proc/self/fd/0 /tmp/out');
    assert.is(await codeOf({workingDirectory: '/tmp/out'}), 'WORKING_DIRECTORY_INVALID');
    assert.is(await codeOf({environment: ['=x']}), 'ENVIRONMENT_INVALID');
    assert.is(await codeOf({}, 'unknown'), 'CONTAINER_UNKNOWN');
    const idle = await store().create('true');
    assert.is(await codeOf({}, idle), 'CONTAINER_STOPPED');
    await containers().start(idle);
    await containers().wait(idle);
    assert.is(await codeOf({}, idle), 'CONTAINER_STOPPED');
  });

  test('signals reach the command', async () => {
    const {child, read, ended} = start({
      command: ['sh', '-c', "trap 'exit 7' TERM; echo up; while :; do sleep 0.05; done"],
    });
    await eventually(() => read() === 'up\n');
    child.kill('SIGTERM');
    assert.is((await ended).code, 7);
  });

  test('a command that does not end is ended by the third signal, and the container goes on', async () => {
    const {child, read, ended} = start({
      command: ['sh', '-c', "trap 'echo no' TERM; echo up; while :; do sleep 0.05; done"],
    });
    for (const answers of ['up\n', 'up\nno\n', 'up\nno\nno\n']) {
      await eventually(() => read() === answers);
      child.kill('SIGTERM');
    }
    assert.is((await ended).code, 137);
    assert.is((await store().find(running)).state, 'running');
  });

  test('ends with its container', async () => {
    const id = await store().start('sleep 600');
    const {read, ended} = start({command: ['sh', '-c', 'echo up; sleep 600']}, undefined, id);
    await eventually(() => read() === 'up\n');
    await containers().stop(id, {timeoutSeconds: 0});
    assert.is((await ended).code, 137);
    await containers().remove(id);
  });

  test(
    'in the background nothing of winch or the runtime stays with it',
    async () => {
      const id = await store().start('sleep 600');
      const before = membersOf(id);
      assert.is(await containers().exec(id, {command: ['sleep', '601'], detach: true}), 0);
      const [added = '', ...more] = membersOf(id).filter((pid) => !before.includes(pid));
      assert.equal(more, []);
      // The runtime has started the process, which is about to become the command.
      const command = ['sleep', '601', ''].join('\0');
      await eventually(() => readFileSync(`/proc/${added}/cmdline`, 'utf8') === command);
      const parent = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${added}/status`, 'utf8'))?.[1];
      assert.is.not(Number(parent), process.pid);
      assert.equal(namesIn(join(store().runtimeDirectory, 'exec')), []);
      await containers().remove(id, {force: true});
      await eventually(() => identifyProcess(Number(added)) === null);
      assert.is(await codeOf({detach: true, command: ['nothing']}), 'COMMAND_NOT_FOUND');
    },
    missingCgroup(),
  );

  test('in the background it may have a terminal, which goes with it', async () => {
    const id = await store().start('sleep 600');
    const request = {detach: true, terminal: true} as const;
    const command = ['sh', '-c', 'tty > /tty; echo lost; test "$TERM" = xterm && echo "$TERM" >> /tty; exec sleep 602'];
    assert.is(await containers().exec(id, {...request, command}), 0);
    const told = join(store().root, 'kept', id, 'writable', WRITTEN, 'tty');
    await eventually(() => existsSync(told) && readFileSync(told, 'utf8') === '/dev/pts/0\nxterm\n');
    assert.equal(namesIn(join(store().runtimeDirectory, 'exec')), []);
    assert.is((await store().readLogs(id)).stdout, '');
    for (let index = 0; index < 20; index += 1)
      assert.is(await containers().exec(id, {...request, command: ['true']}), 0, `over at once, ${index}`);
    assert.is(await codeOf({...request, command: ['nothing']}), 'COMMAND_NOT_FOUND');
    assert.is(
      await codeOf({...request, command: ['sh'], workingDirectory: '/etc/passwd'}),
      'WORKING_DIRECTORY_INVALID',
    );
    const listed = () => tracesOf([id], {root: store().root, runtimeDirectory: store().runtimeDirectory});
    await containers().remove(id, {force: true});
    await eventually(() => listed().length === 0);
  });

  test(
    'a killed winch leaves its command to the container, and no file to anybody',
    async () => {
      const id = await store().start('sleep 600');
      const {child, read, ended} = start({command: ['sh', '-c', 'echo up; sleep 600']}, undefined, id);
      await eventually(() => read() === 'up\n');
      const died = once(child, 'exit');
      child.kill('SIGKILL');
      await died;
      await containers().list();
      assert.equal(namesIn(join(store().runtimeDirectory, 'exec')), []);
      const commands = membersOf(id)
        .filter(Boolean)
        .map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
      assert.equal(commands, [['sleep', '600', ''].join('\0'), ['sleep', '600', ''].join('\0')]);
      await containers().remove(id, {force: true});
      await ended;
    },
    missingCgroup(),
  );

  test('works in a run of another terminal as well', async () => {
    const command = ['sh', '-c', 'echo up; sleep 600; true'];
    const run = await containers().spawn({image: IMAGE, policy: 'never', name: 'front', container: {command}});
    let output = '';
    run.stdout.on('data', (piece) => {
      output += piece;
    });
    await eventually(() => output === 'up\n');
    const {code, stdout} = await start({command: ['cat', '/proc/1/cmdline']}, undefined, 'front').ended;
    assert.equal([code, stdout.toString()], [0, `${command.join('\0')}\0`]);
    await run[Symbol.asyncDispose]();
    assert.is(await codeOf({}, 'front'), 'CONTAINER_UNKNOWN');
  });

  test('many at once do not disturb one another', async () => {
    const commands = Array.from({length: 6}, (_, index) =>
      exec({command: ['sh', '-c', `echo ${index}; exit ${index}`]}),
    );
    const ends = await Promise.all(commands);
    assert.equal(
      ends.map(({code, stdout}) => [code, stdout.toString()]),
      ends.map((_, index) => [index, `${index}\n`]),
    );
    await store().requireNoTraces();
  });
});

const namesIn = (directory: string) => readdirSync(directory).filter((name) => name !== '.locks');

const fail = (): never => {
  throw new Error('the store was not opened');
};
