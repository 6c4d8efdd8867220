import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {buffer, text} from 'node:stream/consumers';
import {setTimeout as sleep} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import type {ContainerOptions} from '../../src/bundle/container-options.ts';
import type {RunRequest} from '../../src/containers/run.ts';
import {isWinchError} from '../../src/errors.ts';
import {SNAPSHOTTERS, type SnapshotterName} from '../../src/snapshots/snapshotter.ts';
import {processes} from '../helpers/container-traces.ts';
import {openTestStore, type TestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe, type SuiteTools} from '../helpers/suite.ts';
import {driverSkip} from '../snapshots/driver-rig.ts';

const missing = missingFor('runc', 'busybox');
const IMAGE = 'busybox';
const chosen = SNAPSHOTTERS.filter((name) => name === (process.env.WINCH_SNAPSHOTTER ?? name));

const testRuns = (driver: SnapshotterName, {test: declare, before, after}: SuiteTools): void => {
  const skip = missing ?? driverSkip(driver);
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});
  /** Of what the driver has no part in, once is enough. */
  const testOnce = driver === chosen[0] ? test : () => {};
  let opened: TestStore | undefined;
  const store = (): TestStore => opened ?? fail();
  const runDirectory = () => join(store().root, '..', 'run');

  before(async () => {
    if (skip !== undefined) return;
    await using registry = await startRegistry();
    registry.put('busybox', 'latest', busyboxImage());
    opened = await openTestStore({snapshotter: driver});
    await opened.toolkit.images.pull(`${registry.host}/busybox`, {platform: 'linux/amd64'});
    await opened.toolkit.images.tag(`${registry.host}/busybox`, IMAGE);
  });
  after(() => opened?.[Symbol.asyncDispose]());

  const start = async (request: RunRequest, input: string | Buffer = '') => {
    await using process = await store().toolkit.containers.spawn(request);
    process.stdin.on('error', () => {});
    process.stdin.end(input);
    const [stdout, stderr] = await Promise.all([buffer(process.stdout), text(process.stderr)]);
    return {...(await process.finished), stdout, stderr, output: stdout.toString()};
  };
  const run = (container: ContainerOptions, more: Partial<RunRequest> = {}, input: string | Buffer = '') =>
    start({image: IMAGE, policy: 'never', container, ...more}, input);
  const shell = (script: string, container: ContainerOptions = {}) =>
    run({command: ['sh', '-c', script], ...container});
  const codeOfRun = (container: ContainerOptions, more: Partial<RunRequest> = {}) =>
    run(container, more).then(
      () => null,
      (error: unknown) => (isWinchError(error) ? error.code : Promise.reject(error)),
    );

  test("passes the container's exit code on", async () => {
    assert.is((await shell('exit 37')).exitCode, 37);
    assert.is(
      (await shell('kill -9 $$')).exitCode,
      0,
      'the first process of a namespace ignores what it does not handle',
    );
  });

  testOnce('passes bytes through in both directions unchanged', async () => {
    const bytes = Buffer.from(Array.from({length: 300_000}, (_, index) => (index * 7 + (index >> 8)) & 0xff));
    const {stdout} = await run({command: ['cat']}, {interactive: true}, bytes);
    assert.ok(stdout.equals(bytes));
  });

  testOnce('gives end-of-file as input unless it is interactive', async () => {
    assert.is((await run({command: ['wc', '-c']}, {}, 'lost')).output.trim(), '0');
  });

  test('U09 tells a command that is not there from one that cannot be executed', async () => {
    assert.is(await codeOfRun({command: ['nothing']}), 'COMMAND_NOT_FOUND');
    assert.is(await codeOfRun({command: ['/etc/passwd']}), 'COMMAND_NOT_EXECUTABLE');
  });

  test('runs as a user of the image, in its home, with its groups', async () => {
    const {output} = await shell('id; echo $HOME', {user: 'alice'});
    assert.is(output, 'uid=1000(alice) gid=1000(alice) groups=50(staff),1000(alice)\n/home/alice\n');
  });

  test('keeps what is written away from the image and the next run', async () => {
    assert.is((await shell('touch /mark && rm /etc/passwd && ls /mark')).output, '/mark\n');
    assert.is((await shell('ls /mark; cat /etc/passwd | head -n 1')).output, 'root:x:0:0:root:/root:/bin/sh\n');
  });

  testOnce('limits capabilities, privileges and system calls as docker does', async () => {
    const {output} = await shell("grep -E '^(CapInh|CapEff|NoNewPrivs|Seccomp):' /proc/self/status");
    const fields = Object.fromEntries(
      output
        .trim()
        .split('\n')
        .map((line) => line.split(/:\s+/)),
    );
    assert.equal(fields, {CapInh: '0000000000000000', CapEff: '00000000a80425fb', NoNewPrivs: '1', Seccomp: '2'});
  });

  testOnce('runs what has a configuration larger than a pipe', async () => {
    const environment = Array.from({length: 100}, (_, index) => `V${index}=${'v'.repeat(1000)}`);
    assert.is((await shell('env | grep -c ^V', {environment})).output, '100\n');
  });

  testOnce("shows nothing of the host's environment", async () => {
    process.env.WINCH_TEST_CANARY = 'canary';
    const {output} = await shell('env; cat /proc/1/environ', {environment: ['A=1', 'A=2']});
    delete process.env.WINCH_TEST_CANARY;
    assert.not.match(output, /canary/i);
    assert.match(output, /^A=2$/m);
  });

  testOnce('mounts directories, read-only where asked, and file systems in memory', async () => {
    const source = mkdtempSync(join(tmpdir(), 'winch-bind-'));
    writeFileSync(join(source, 'given'), 'host\n');
    const bind = {type: 'bind', source, target: '/data', createSource: false} as const;
    const tmpfs = {type: 'tmpfs', target: '/scratch'} as const;
    const script = 'cat /data/given; echo made > /data/made; echo x > /scratch/x && cat /scratch/x';
    assert.is((await shell(script, {mounts: [{...bind, readOnly: false}, tmpfs]})).output, 'host\nx\n');
    assert.is(readFileSync(join(source, 'made'), 'utf8'), 'made\n');
    assert.match((await shell('touch /data/no', {mounts: [{...bind, readOnly: true}]})).stderr, /Read-only/);
    rmSync(source, {recursive: true});
  });

  test('U01 does not start in a directory that a link of what is mounted leads out of the container', async () => {
    const source = mkdtempSync(join(tmpdir(), 'winch-bind-'));
    mkdirSync(join(source, 'inside'));
    symlinkSync('inside', join(source, 'in'));
    for (let fd = 3; fd < 20; fd += 1) symlinkSync(`/proc/self/fd/${fd}`, join(source, `out${fd}`));
    symlinkSync('/proc/self/fd/9/../../../../..', join(source, 'climbing'));
    const mounts = [{type: 'bind', source, target: '/data', readOnly: false, createSource: false} as const];
    assert.is((await shell('pwd -P', {mounts, workingDirectory: '/data/in'})).output, '/data/inside\n');
    for (const workingDirectory of ['/data/out7', '/data/in/../out8', '/data/climbing/etc']) {
      const error = await rejectionOf(shell('pwd', {mounts, workingDirectory}));
      assert.is(error.code, 'WORKING_DIRECTORY_INVALID', workingDirectory);
    }
    rmSync(source, {recursive: true});
  });

  test('can have a read-only root file system', async () => {
    assert.match((await shell('touch /no', {readOnlyRootfs: true})).stderr, /Read-only/);
  });

  testOnce('U12 names an out-of-memory kill', async () => {
    const result = await shell('exec tail /dev/zero', {memoryBytes: 16 * 1024 * 1024});
    assert.equal([result.exitCode, result.outOfMemory], [137, true]);
  });

  testOnce('ends a container that runs out of its time', async () => {
    const {timedOut, exitCode} = await run(
      {command: ['sh', '-c', 'trap "exit 9" TERM; while true; do sleep 0.05; done']},
      {
        timeoutSeconds: 0.5,
      },
    );
    assert.equal([timedOut, exitCode], [true, 9]);
  });

  testOnce('refuses a name that a running container has', async () => {
    const request = {image: IMAGE, container: {command: ['sleep', '60']}, name: 'twin'} as const;
    await using first = await store().toolkit.containers.spawn(request, {onEvent: () => {}});
    await waitFor(() => readdirSync(join(runDirectory(), 'runc')).length > 0);
    assert.is(await codeOfRun({command: ['true']}, {name: 'twin'}), 'NAME_IN_USE');
    first.kill('SIGKILL');
  });

  test('leaves nothing behind', async () => {
    await shell('touch /a');
    assert.equal(leftovers(store().root), []);
  });

  test('U10 after kill -9 the container ends by itself and the next command clears the rest', async () => {
    let id = '';
    const killed = await store().toolkit.containers.spawn(
      {image: IMAGE, container: {command: ['sleep', '300']}},
      {
        onEvent: (event) => {
          if (event.type === 'container:started') id = event.id;
        },
      },
    );
    await waitFor(() => id !== '' && readdirSync(join(runDirectory(), 'runc')).includes(id));
    await waitFor(() => readFileSync(join(runDirectory(), 'runc', id, 'state.json'), 'utf8') !== '');
    const {init_process_pid: pid} = JSON.parse(readFileSync(join(runDirectory(), 'runc', id, 'state.json'), 'utf8'));
    killed.kill('SIGKILL');
    await killed.finished.catch(() => {});
    await waitFor(() => !readdirSync('/proc').includes(String(pid)));
    assert.is((await shell('true')).exitCode, 0);
    assert.equal(leftovers(store().root), []);
    assert.not.match(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(id));
    assert.not.ok(readdirSync('/sys/fs/cgroup').some((name) => name === `winch-${id}`));
    // The watcher looks once more a little later, and the runtime makes its directory for that.
    await waitFor(() => !processes().some(({words}) => words.includes(id)));
  });

  testOnce('exports a bundle that runc and winch run', async () => {
    const directory = join(store().root, '..', 'bundle');
    const report = await store().toolkit.images.bundle(IMAGE, directory, {
      container: {command: ['sh', '-c', 'echo from $0 bundle; exit 4', 'a'], user: 'alice'},
    });
    assert.is(report.directory, directory);
    const result = await start({bundle: directory});
    assert.equal([result.output, result.exitCode], ['from a bundle\n', 4]);
  });

  testOnce('refuses to export into a directory with something in it', async () => {
    const directory = join(store().root, '..', 'full');
    mkdirSync(join(directory, 'x'), {recursive: true});
    const error = await store()
      .toolkit.images.bundle(IMAGE, directory)
      .catch((reason: unknown) => reason);
    assert.ok(isWinchError(error, 'BUNDLE_EXISTS'));
  });

  testOnce('says how to install a runtime that is missing', async () => {
    assert.is(await codeOfRun({command: ['true']}, {runtime: '/nowhere/runc'}), 'RUNTIME_NOT_FOUND');
  });
};

for (const driver of chosen) {
  describe(`containers/run: ${driver}`, (tools) => testRuns(driver, tools));
}

const fail = (): never => {
  throw new Error('the store was not opened');
};

async function waitFor(condition: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 800; attempt += 1) {
    try {
      if (condition()) return;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    }
    await sleep(25);
  }
  throw new Error('it did not come about within 20 s');
}

/** What runs leave in the store and in the runtime directory. */
const leftovers = (root: string): readonly string[] =>
  [join(root, 'containers'), join(root, '..', 'run', 'containers'), join(root, '..', 'run', 'runc')]
    .flatMap((directory) => readdirSync(directory, {recursive: true}).map((name) => join(directory, String(name))))
    .filter((path) => !path.endsWith('/.locks'));
