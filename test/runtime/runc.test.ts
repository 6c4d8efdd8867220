import {existsSync, mkdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {SYSTEM_PATH} from '../../src/runtime/find-runtime.ts';
import {openRunc} from '../../src/runtime/runc.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {type FakeRuntime, makeFakeRuntime} from './fake-runtime.ts';

const ENVIRONMENT = ['LANG=C.UTF-8', `PATH=${SYSTEM_PATH}`];

describe('runtime/runc', ({test}) => {
  const startOn = ({path, stateDirectory, directory}: FakeRuntime, {keep = false} = {}) =>
    openRunc({path, stateDirectory}).start({
      id: 'id',
      bundle: '/bundle with space',
      interactive: false,
      terminal: false,
      console: null,
      log: join(directory, 'log'),
      keep,
    });
  const exitOf = async (script: string) => {
    using fake = makeFakeRuntime(script);
    return await startOn(fake).exited;
  };
  const logLine = (level: string, message: string) =>
    `printf '%s\\n' '${JSON.stringify({level, msg: message, time: 'now'})}' >> "$log"`;

  test("calls the runtime with its own environment, nothing of winch's", async () => {
    using fake = makeFakeRuntime();
    Object.assign(process.env, {WINCH_TEST_SECRET: 'canary'});
    try {
      assert.equal(await startOn(fake).exited, {exitCode: 0, failure: null});
    } finally {
      delete process.env.WINCH_TEST_SECRET;
    }
    const log = join(fake.directory, 'log');
    const flags = ['--root', fake.stateDirectory, '--log', log, '--log-format', 'json'];
    const args = [...flags, 'run', '--bundle', '/bundle with space', 'id'];
    assert.equal(fake.calls(), [{args, environment: ENVIRONMENT, workingDirectory: '/'}]);
    assert.is(statSync(fake.stateDirectory).mode & 0o777, 0o700);
  });

  test('keeps what has ended by runtimes alone that say they can', async () => {
    for (const [help, isKept] of [
      ['      --keep    do not delete the container', true],
      ['      --keeper  another', false],
      ['      --pid-file', false],
    ] as const) {
      using fake = makeFakeRuntime(`[ "$*" != 'run --help' ] || echo '${help}'`);
      assert.is((await startOn(fake, {keep: true}).exited).exitCode, 0);
      assert.is(fake.calls().at(-1)?.args.includes('--keep'), isKept, help);
    }
  });

  test("passes the container's code on when the runtime has nothing to say", async () => {
    assert.equal(await exitOf('exit 37'), {exitCode: 37, failure: null});
    assert.equal(await exitOf(`${logLine('warning', 'old kernel')}; exit 1`), {exitCode: 1, failure: null});
    assert.equal(await exitOf(`${logLine('error', 'forgiven')}; exit 0`), {exitCode: 0, failure: null});
  });

  test("tells the runtime's last error, whatever else is in its log", async () => {
    const broken = `printf '{"level":"error","ms' >> "$log"`;
    const odd = `printf '%s\\n' null 7 '[]' '{"level":"error"}' '{"level":"error","msg":7}' '' >> "$log"`;
    const lines = [logLine('error', 'first'), logLine('fatal', 'second'), logLine('info', 'later'), odd, broken];
    assert.equal(await exitOf(`${lines.join('\n')}\nexit 1`), {exitCode: 1, failure: 'second'});
  });

  test('ends a container also when its state has been removed', async () => {
    using fake = makeFakeRuntime('[ "$command" = kill ] && exit 1; sleep 300 & touch "$0.runs"; wait $!');
    const container = startOn(fake);
    while (!existsSync(`${fake.path}.runs`)) await sleep(10);
    await container.killAll();
    assert.is((await container.exited).exitCode, 137);
  });

  test('a runtime that a signal ended has failed', async () => {
    assert.equal(await exitOf('kill -KILL $$'), {exitCode: 137, failure: 'it was ended by SIGKILL'});
    assert.equal(await exitOf('kill -SEGV $$'), {exitCode: 139, failure: 'it was ended by SIGSEGV'});
  });

  test('a runtime that cannot be started is a system error', () => {
    using fake = makeFakeRuntime();
    const path = join(fake.directory, 'absent');
    assert.throws(
      () => startOn({...fake, path}),
      (error: NodeJS.ErrnoException) => error.code === 'ENOENT' && error.message.includes(path),
    );
  });

  test('forwards signals to the runtime, which has a session of its own', async () => {
    using fake = makeFakeRuntime(`trap 'exit 9' USR1
      cut -d' ' -f6 /proc/self/stat > "$log.part" && mv "$log.part" "$log.session"
      while :; do sleep 0.02; done`);
    const container = startOn(fake);
    const session = join(fake.directory, 'log.session');
    while (!existsSync(session)) await sleep(5);
    assert.is.not(readFileSync(session, 'utf8').trim(), readFileSync('/proc/self/stat', 'utf8').split(' ')[5]);
    container.forward('SIGUSR1');
    assert.equal(await container.exited, {exitCode: 9, failure: null});
    container.forward('SIGTERM');
  });

  test('kills and removes by id, and a failed removal says why', async () => {
    using fake = makeFakeRuntime('[ "$command" = delete ] && { echo "cgroup is busy" >&2; exit 1; }; exit 1');
    const container = startOn(fake);
    await container.exited;
    await container.killAll();
    const runtime = openRunc(fake);
    await runtime.remove('id');
    mkdirSync(join(fake.stateDirectory, 'id'), {recursive: true});
    assert.match((await rejectionOf(runtime.remove('id'))).message, 'delete id: cgroup is busy');
    const commands = fake.calls().map(({args}) => args.slice(2).join(' '));
    assert.equal(commands.slice(1), ['kill id KILL', 'delete --force id', 'delete --force id']);
    for (const {environment} of fake.calls()) assert.equal(environment, ENVIRONMENT);
  });

  test('has state of a container while the runtime keeps its directory', () => {
    using fake = makeFakeRuntime();
    const runtime = openRunc(fake);
    assert.is(runtime.hasState('id'), false);
    mkdirSync(join(fake.stateDirectory, 'id'), {recursive: true});
    assert.is(runtime.hasState('id'), true);
  });
});
