import * as assert from 'uvu/assert';
import type {CreateRequest} from '../../../src/containers/kept/create-container.ts';
import type {ExecRequest} from '../../../src/containers/kept/exec-container.ts';
import type {ContainerDetails} from '../../../src/containers/kept/inspect-container.ts';
import {WinchError} from '../../../src/errors.ts';
import type {CallOptions} from '../../../src/events.ts';
import type {ProcessDetails} from '../../../src/host/process-details.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {detailsOf} from '../samples.ts';

const ID = 'a'.repeat(64);
const error = (code: string) => new WinchError(code, 'because', {kind: 'runtime'});
const DETAILS: ContainerDetails = {
  id: ID,
  name: 'web',
  image: 'nginx:1',
  imageId: `sha256:${'b'.repeat(64)}`,
  command: ['nginx', '-g'],
  created: '2026-01-31T12:00:00.000Z',
  labels: {tier: 'front'},
  isKept: true,
  mounts: [],
  health: null,
  networks: [],
  ports: [],
  state: 'running',
  isPaused: false,
  isRestarting: false,
  pid: 7,
  startedAt: '2026-01-31T12:00:01.000Z',
  finishedAt: null,
  exitCode: null,
  outOfMemory: false,
  lostBecause: null,
  imageConfig: {Entrypoint: ['/entry'], Cmd: ['nginx'], ExposedPorts: {'80/tcp': {}}, StopSignal: 'SIGQUIT'},
  made: {
    options: {
      command: ['nginx', '-g'],
      memoryBytes: 1024,
      cpus: 1.5,
      network: 'host',
      mounts: [{type: 'bind', source: '/srv', target: '/data', readOnly: true, createSource: false}],
      securityOptions: [
        {name: 'no-new-privileges', enabled: false},
        {name: 'unmask', paths: 'ALL'},
      ],
    },
    environment: ['PATH=/bin'],
    hostname: 'box',
    workingDirectory: '/',
    interactive: false,
    keepsInput: false,
    largestLogBytes: null,
    volumeDirectories: {},
    autoRemove: true,
    restart: {name: 'on-failure', maximumRetries: 3},
    restarts: 2,
    healthCheck: null,
    runtime: '/usr/sbin/runc',
    stopSignal: 3,
    logPath: '/store/log',
    writtenBytes: 5,
  },
};

describe('cli/commands/container-states', ({test}) => {
  test('exec passes on what it is asked, and ends with the code of the command', async () => {
    const seen: unknown[] = [];
    const exec = async (name: string, request: ExecRequest, {onEvent}: CallOptions = {}) => {
      onEvent?.({type: 'exec:started', id: ID});
      seen.push(name, JSON.parse(JSON.stringify(request)));
      return 42;
    };
    const words = [
      'exec',
      '-i',
      '-u',
      'app',
      '-w',
      '/srv',
      '-e',
      'A=b',
      '-e',
      'HOME',
      '--privileged',
      'web',
      'ls',
      '-l',
    ];
    const fakes = {containers: {exec}, environment: {variables: {HOME: '/own'}}};
    const {code, stdout, released} = await runWinch(words, fakes);
    assert.equal([code, stdout, released > 0], [42, '', true], "signals are the command's from then on");
    const environment = ['A=b', 'HOME=/own'];
    assert.equal(seen, [
      'web',
      ...[
        {
          command: ['ls', '-l'],
          environment,
          interactive: true,
          privileged: true,
          user: 'app',
          workingDirectory: '/srv',
        },
      ].map((request) => ({...request, terminal: false})),
    ]);
  });

  test('exec refuses a terminal where there is none, but in the background it needs none', async () => {
    const seen: ExecRequest[] = [];
    const exec = async (_name: string, request: ExecRequest) => {
      seen.push(request);
      return 0;
    };
    const {code, stderr} = await runWinch(['exec', '-it', 'web', 'sh'], {containers: {exec}});
    assert.equal([code, /TERMINAL_MISSING/.test(stderr)], [125, true]);
    const detached = await runWinch(['exec', '-dit', 'web', 'sh'], {containers: {exec}});
    assert.equal([detached.code, detached.stderr], [0, '']);
    assert.equal(
      seen.map(({terminal, detach}) => [terminal, detach]),
      [[true, true]],
    );
  });

  test('exec tells what did not start by its code', async () => {
    for (const [name, expected] of [
      ['COMMAND_NOT_FOUND', 127],
      ['COMMAND_NOT_EXECUTABLE', 126],
      ['CONTAINER_STOPPED', 125],
    ] as const) {
      const exec = () => Promise.reject(error(name));
      assert.is((await runWinch(['exec', 'web', 'x'], {containers: {exec}})).code, expected);
    }
    assert.is((await runWinch(['exec', 'web'])).code, 125);
  });

  test('restart, pause and unpause do it to each, rename to one', async () => {
    const seen: unknown[] = [];
    const note = (call: string) => async (name: string, more?: unknown) => {
      seen.push([call, name, typeof more === 'string' ? more : (more as {timeoutSeconds?: number})?.timeoutSeconds]);
      return ID;
    };
    const containers = {
      restart: note('restart'),
      pause: note('pause'),
      unpause: note('unpause'),
      rename: note('rename'),
    };
    assert.is((await runWinch(['restart', '-t', '3', 'a', 'b'], {containers})).stdout, 'a\nb\n');
    for (const call of ['pause', 'unpause']) assert.is((await runWinch([call, 'a'], {containers})).stdout, 'a\n');
    assert.equal((await runWinch(['rename', 'a', 'b'], {containers})).stdout, '');
    assert.equal(seen, [
      ['restart', 'a', 3],
      ['restart', 'b', 3],
      ['pause', 'a', undefined],
      ['unpause', 'a', undefined],
      ['rename', 'a', 'b'],
    ]);
  });

  test('update passes on what is to be changed, and nothing else', async () => {
    const seen: unknown[] = [];
    const update = async (name: string, changes: unknown) => {
      seen.push(name, changes);
      return name;
    };
    const words = [
      'update',
      '-m',
      '64m',
      '--memory-reservation',
      '32m',
      '--cpus',
      '1.5',
      '--blkio-weight',
      '300',
      '--restart',
      'on-failure:3',
      'a',
    ];
    assert.is((await runWinch(words, {containers: {update}})).stdout, 'a\n');
    assert.is((await runWinch(['update', '--restart', 'no', 'b'], {containers: {update}})).stdout, 'b\n');
    const restart = {name: 'on-failure', maximumRetries: 3};
    assert.equal(seen, [
      'a',
      {memoryBytes: 64 * 2 ** 20, memoryReservationBytes: 32 * 2 ** 20, cpus: 1.5, blkioWeight: 300, restart},
      'b',
      {restart: null},
    ]);
    assert.match((await runWinch(['update', 'a'], {containers: {update}})).stderr, 'FLAGS_CONFLICT');
    assert.match((await runWinch(['update', '--restart', 'often', 'a'])).stderr, 'FLAG_INVALID');
  });

  test('create takes how long it may take to end', async () => {
    const seconds: unknown[] = [];
    const create = async ({container}: CreateRequest) => {
      seconds.push(container?.stopTimeoutSeconds);
      return ID;
    };
    for (const words of [['--stop-timeout', '30'], ['--stop-timeout=-1'], []]) {
      assert.is((await runWinch(['create', ...words, 'nginx'], {containers: {create}})).code, 0);
    }
    assert.equal(seconds, [30, -1, undefined]);
    assert.match((await runWinch(['create', '--stop-timeout', 'x', 'nginx'])).stderr, 'FLAG_INVALID');
  });

  test('create takes a file for the pid, from where it is called', async () => {
    const files: unknown[] = [];
    const create = async ({pidFile}: CreateRequest) => {
      files.push(pidFile);
      return ID;
    };
    const fakes = {containers: {create, start: async () => ID}, environment: {workingDirectory: () => '/here'}};
    for (const words of [['create'], ['run', '-d']]) await runWinch([...words, '--pidfile', 'pid', 'nginx'], fakes);
    assert.equal(files, ['/here/pid', '/here/pid']);
    assert.match((await runWinch(['run', '--pidfile', 'pid', 'nginx'])).stderr, 'FLAGS_CONFLICT');
  });

  test('create takes a limit of the log', async () => {
    const limits: unknown[] = [];
    const create = async ({largestLogBytes}: CreateRequest) => {
      limits.push(largestLogBytes);
      return ID;
    };
    const ways = [['--log-opt', 'max-size=10m', '--log-opt', 'max-file=3'], ['--log-opt=max-file=3'], []];
    for (const words of ways) {
      assert.is((await runWinch(['create', ...words, 'nginx'], {containers: {create}})).code, 0);
    }
    assert.equal(limits, [10 * 2 ** 20, undefined, undefined]);
    for (const word of ['max-size=1k', 'max-size=', 'max-file=0', 'max-file=', 'max-size=x', 'tag=x']) {
      assert.match((await runWinch(['create', '--log-opt', word, 'nginx'])).stderr, 'FLAG_INVALID');
    }
    assert.match((await runWinch(['run', '--log-opt', 'max-size=1m', 'nginx'])).stderr, 'FLAGS_CONFLICT');
  });

  test("docker's names of what keeps logs are taken where they change nothing", async () => {
    const create = async () => ID;
    for (const driver of ['json-file', 'local', 'k8s-file']) {
      const words = ['create', '--log-driver', driver, 'nginx'];
      assert.is((await runWinch(words, {containers: {create}})).code, 0, driver);
    }
    const run = async () => ({id: ID, exitCode: 0, outOfMemory: false, timedOut: false});
    for (const driver of ['none', 'json-file']) {
      const words = ['run', '--rm', '--log-driver', driver, 'nginx'];
      assert.is((await runWinch(words, {containers: {run}})).code, 0, driver);
    }
    for (const words of [['create'], ['run', '-d']]) {
      const {stderr} = await runWinch([...words, '--log-driver', 'none', 'nginx'], {containers: {create}});
      assert.match(stderr, 'FLAGS_CONFLICT');
    }
    assert.match((await runWinch(['run', '--log-driver', 'journald', 'nginx'])).stderr, 'FLAG_INVALID');
  });

  test('a container that is to start again stays, and in the background', async () => {
    const requests: unknown[] = [];
    const create = async (request: {readonly restart?: unknown}) => {
      requests.push(request.restart);
      return ID;
    };
    const fakes = {containers: {create, start: async () => ID}};
    for (const policy of ['always', 'unless-stopped', 'on-failure', 'no']) {
      assert.is((await runWinch(['run', '-d', '--restart', policy, 'nginx'], fakes)).code, 0);
    }
    assert.equal(requests, [{name: 'always'}, {name: 'unless-stopped'}, {name: 'on-failure'}, undefined]);
    assert.match((await runWinch(['create', '--rm', '--restart', 'always', 'nginx'], fakes)).stderr, 'FLAGS_CONFLICT');
    assert.match((await runWinch(['run', '--restart', 'always', 'nginx'], fakes)).stderr, 'FLAGS_CONFLICT');
  });

  test('top prints processes as ps does', async () => {
    const startedAt = new Date(Date.now() - 100_000).toISOString();
    const process: ProcessDetails = {
      ...{pid: 10, parentPid: 9, userId: 1000, startedAt, cpuSeconds: 50, terminal: 'pts/0'},
      command: ['sh', '-c', 'echo \x1b'],
    };
    const containers = {top: async () => [process, {...process, cpuSeconds: 3725, terminal: null}]};
    const [heading, first, second] = (await runWinch(['top', 'web'], {containers})).stdout.split('\n');
    assert.match(heading ?? '', /^UID +PID +PPID +C +STIME +TTY +TIME +CMD$/);
    assert.match(first ?? '', /^1000 +10 +9 +50 +\d\d:\d\d +pts\/0 +00:00:50 +sh -c echo \\x1b$/);
    assert.match(second ?? '', / \? +01:02:05 /);
    assert.is((await runWinch(['top', '--format', '{{.PID}}', 'web'], {containers})).stdout, '10\n10\n');
  });

  test('container prune tells what went', async () => {
    const prune = async (options: unknown) => {
      assert.equal((options as {labels: unknown}).labels, [{name: 'a', value: 'b', isExcluded: false}]);
      return {deleted: [ID], freedBytes: 1500};
    };
    const {stdout} = await runWinch(['container', 'prune', '-f', '--filter', 'label=a=b'], {containers: {prune}});
    assert.is(stdout, `Deleted: ${ID}\nTotal reclaimed space: 1.5kB\n`);
  });

  const inspect = async (details: Partial<ContainerDetails>, ...words: readonly string[]) =>
    await runWinch(['inspect', ...words, 'web'], {containers: {inspect: async () => ({...DETAILS, ...details})}});

  test("inspect prints a container in docker's shape", async () => {
    const [shown] = JSON.parse((await inspect({})).stdout);
    assert.equal([shown.Id, shown.Name, shown.Path, shown.Args], [ID, '/web', 'nginx', ['-g']]);
    assert.equal(shown.State, {
      ...{
        Status: 'running',
        Running: true,
        Paused: false,
        Restarting: false,
        OOMKilled: false,
        Dead: false,
        Pid: 7,
        ExitCode: 0,
        Error: '',
      },
      ...{StartedAt: DETAILS.startedAt, FinishedAt: '0001-01-01T00:00:00Z'},
    });
    assert.equal(
      [shown.Config.Entrypoint, shown.Config.Cmd, shown.Config.StopSignal],
      [['/entry'], ['nginx', '-g'], 'SIGQUIT'],
    );
    const {NanoCpus, Memory, NetworkMode, AutoRemove, SecurityOpt} = shown.HostConfig;
    assert.equal([NanoCpus, Memory, NetworkMode, AutoRemove], [1.5e9, 1024, 'host', true]);
    assert.equal(SecurityOpt, ['no-new-privileges=false', 'unmask=ALL']);
    assert.equal(shown.Mounts, [
      {Type: 'bind', Source: '/srv', Destination: '/data', Mode: 'ro', RW: false, Propagation: 'rprivate'},
    ]);
    assert.is(shown.SizeRw, 5);
    assert.equal([shown.RestartCount, shown.HostConfig.RestartPolicy], [2, {Name: 'on-failure', MaximumRetryCount: 3}]);
  });

  test('inspect prints fields, of paused and ended containers as well', async () => {
    const template = '{{.State.Status}} {{.State.Running}} {{.State.ExitCode}} {{.State.Error}}';
    assert.is((await inspect({isPaused: true}, '-f', template)).stdout, 'paused true 0 \n');
    const ended = {state: 'exited', exitCode: 255, lostBecause: 'lost', pid: null} as const;
    assert.is((await inspect(ended, '-f', template)).stdout, 'exited false 255 lost\n');
    const run = JSON.parse((await inspect({made: null, name: null, imageId: null, imageConfig: null})).stdout)[0];
    assert.equal([run.Name, run.Image, 'HostConfig' in run], ['', '', false]);
  });

  test('inspect looks for containers, then for images, or for what it is told to', async () => {
    const unknown = (code: string) => (name: string) =>
      Promise.reject(new WinchError(code, `no ${name}`, {kind: 'not-found'}));
    const image = async (name: string) => detailsOf(name);
    const noContainer = {inspect: unknown('CONTAINER_UNKNOWN')};
    const found = await runWinch(['inspect', '-f', '{{.Id}}', 'alpine'], {
      containers: noContainer,
      images: {inspect: image},
    });
    assert.is(found.code, 0);
    const typed = {containers: {inspect: async () => DETAILS}, images: {inspect: image}};
    assert.match((await runWinch(['inspect', '--type', 'image', 'web'], typed)).stdout, 'RepoTags');
    assert.match((await runWinch(['inspect', '--type', 'container', 'web'], typed)).stdout, '"Path"');
    const nothing = {containers: noContainer, images: {inspect: unknown('IMAGE_UNKNOWN')}};
    assert.match((await runWinch(['inspect', 'web'], nothing)).stderr, 'NAME_UNKNOWN');
    assert.match((await runWinch(['inspect', '--type', 'container', 'web'], nothing)).stderr, 'CONTAINER_UNKNOWN');
    assert.match((await runWinch(['inspect', '--type', 'image', 'web'], nothing)).stderr, 'IMAGE_UNKNOWN');
  });
});
