import * as assert from 'uvu/assert';
import type {CreateRequest} from '../../../src/containers/kept/create-container.ts';
import type {ContainerSummary} from '../../../src/containers/kept/list-containers.ts';
import type {LogPiece} from '../../../src/containers/kept/log-records.ts';
import type {LogsOptions} from '../../../src/containers/kept/read-logs.ts';
import {WinchError} from '../../../src/errors.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';
import {containerOf} from './sample-container.ts';

const ID = 'a'.repeat(64);
const unknown = (name: string) => new WinchError('CONTAINER_UNKNOWN', `no ${name}`, {kind: 'not-found'});

const container = (more: Partial<ContainerSummary>) =>
  containerOf({command: ['nginx', '-g', 'daemon off; and more'], labels: {tier: 'front'}, ...more});
const ENDED = container({id: 'c'.repeat(64), name: null, image: 'job', state: 'exited', exitCode: 3, labels: {}});
const list = async () => [container({}), ENDED];
const ps = (...words: readonly string[]) => runWinch(['ps', ...words], {containers: {list}});

describe('cli/commands/containers', ({test}) => {
  test('create prints the id of what was asked for', async () => {
    const requests: CreateRequest[] = [];
    const create = async (request: CreateRequest) => {
      requests.push(request);
      return ID;
    };
    const words = ['create', '--name', 'web', '--rm', '-l', 'a=b', 'nginx', 'nginx', '-g'];
    const {code, stdout} = await runWinch(words, {containers: {create}});
    assert.equal([code, stdout], [0, `${ID}\n`]);
    const settings = {command: ['nginx', '-g'], network: 'host', labels: {a: 'b'}};
    assert.equal(JSON.parse(JSON.stringify(requests)), [
      {name: 'web', autoRemove: true, image: 'nginx', policy: 'missing', container: settings},
    ]);
  });

  test('run --detach creates, starts and prints the id', async () => {
    const calls: string[] = [];
    const call = (name: string) => async (subject: unknown) => {
      calls.push(`${name} ${typeof subject === 'string' ? subject : ''}`.trim());
      return ID;
    };
    const {code, stdout} = await runWinch(['run', '-d', 'nginx'], {
      containers: {create: call('create'), start: call('start')},
    });
    assert.equal([code, stdout, calls], [0, `${ID}\n`, ['create', `start ${ID}`]]);
  });

  test('run --detach ends as run does when it cannot start, and leaves nothing that was to go', async () => {
    const removed: string[] = [];
    const {code, stdout} = await runWinch(['run', '-d', '--rm', 'nginx', 'none'], {
      containers: {
        create: async () => ID,
        start: () => Promise.reject(new WinchError('COMMAND_NOT_FOUND', 'none', {kind: 'runtime'})),
        remove: async (id) => {
          removed.push(id);
          return id;
        },
      },
    });
    assert.equal([code, stdout, removed], [127, '', [ID]]);
  });

  test('run --detach refuses what only a run in the foreground can do', async () => {
    for (const words of [['--timeout', '5', 'nginx'], ['--copy-out', '/a:b', 'nginx'], ['--bundle', '/b'], []]) {
      const {code, stderr} = await runWinch(['run', '-d', ...words]);
      assert.is(code, 125);
      assert.match(stderr, 'FLAGS_CONFLICT');
    }
  });

  test('does with each container what it can, and tells what it could not', async () => {
    const remove = async (name: string) => (name === 'gone' ? Promise.reject(unknown(name)) : ID);
    const {code, stdout, stderr} = await runWinch(['rm', 'a', 'gone', 'b'], {containers: {remove}});
    assert.equal([code, stdout], [4, 'a\nb\n']);
    assert.match(stderr, 'CONTAINER_UNKNOWN: no gone');
  });

  test('wait prints codes, kill and stop pass on what they are told', async () => {
    const seen: unknown[] = [];
    const containers = {
      wait: async () => 7,
      kill: async (name: string, signal?: string) => {
        seen.push([name, signal]);
        return name;
      },
      stop: async (name: string, options?: {timeoutSeconds?: number | undefined}) => {
        seen.push([name, options?.timeoutSeconds]);
        return name;
      },
    };
    assert.is((await runWinch(['wait', 'web'], {containers})).stdout, '7\n');
    await runWinch(['kill', '-s', 'HUP', 'web'], {containers});
    await runWinch(['stop', '-t', '3', 'web'], {containers});
    await runWinch(['stop', 'web'], {containers});
    assert.equal(seen, [
      ['web', 'HUP'],
      ['web', 3],
      ['web', undefined],
    ]);
  });

  test('ps shows what runs, and with --all what does not', async () => {
    const lines = (await ps()).stdout.trimEnd().split('\n');
    assert.is(lines.length, 2);
    assert.match(lines[1] ?? '', /^a{12} +nginx:1 +"nginx -g daemon off…" +1 hour ago +Up 2 minutes +web$/);
    assert.match((await ps('-a')).stdout, 'Exited (3)');
    assert.is((await ps('-aq')).stdout, `${'a'.repeat(12)}\n${'c'.repeat(12)}\n`);
    assert.equal(JSON.parse((await ps('-a', '--format', 'json')).stdout).length, 2);
    assert.is((await ps('--format', '{{.Names}} {{.State}}')).stdout, 'web running\n');
  });

  const filters: readonly (readonly [readonly string[], string])[] = [
    [['name=we'], 'web'],
    [['id=aaa'], 'web'],
    [['status=exited'], 'none'],
    [['status=exited', 'status=running'], 'web\n'],
    [['label=tier', 'label=tier=front'], 'web'],
    [['label=tier=back'], 'none'],
    [['ancestor=nginx:1'], 'web'],
    [['ancestor=docker.io/library/nginx:1'], 'web'],
    [['ancestor=nginx'], 'none'],
    [['ancestor=bbbb', 'status=running'], 'web'],
  ];
  for (const [words, names] of filters) {
    test(`ps keeps to ${words.join(' and ')}`, async () => {
      const flags = words.flatMap((word) => ['--filter', word]);
      const {code, stdout} = await ps(...flags, '--format', '{{.Names}}');
      assert.equal([code, stdout], [0, names === 'none' ? '' : `${names}\n`]);
    });
  }

  test('ps shows the latest ones, and what they have written', async () => {
    assert.is((await ps('-q', '--last', '1')).stdout, `${'a'.repeat(12)}\n`);
    assert.is((await ps('-q', '--last', '5')).stdout, (await ps('-aq')).stdout);
    assert.is((await ps('-ql')).stdout, `${'a'.repeat(12)}\n`);
    assert.is((await ps('--last', '0')).code, 2);
    const sized = async ({size}: {size?: boolean | undefined} = {}) => [container(size ? {writtenBytes: 1500} : {})];
    const {stdout} = await runWinch(['ps', '-s'], {containers: {list: sized}});
    assert.match(stdout, /SIZE\n.* 1.5kB\n$/);
    assert.not.match((await runWinch(['ps'], {containers: {list: sized}})).stdout, 'SIZE');
  });

  test('ps refuses a filter that it does not know', async () => {
    for (const word of ['size=1', 'status=odd', 'name', 'name=']) assert.is((await ps('--filter', word)).code, 2);
  });

  test('logs go where they came from, byte for byte', async () => {
    const seen: LogsOptions[] = [];
    const logs = async function* (_: string, options?: LogsOptions): AsyncGenerator<LogPiece> {
      seen.push(options ?? {});
      yield {stream: 'stdout', bytes: Buffer.from('\x1b[31mred\n')};
      yield {stream: 'stderr', bytes: Buffer.from('err\n')};
    };
    const {code, stdout, stderr} = await runWinch(['logs', '-ft', '-n', '5', '--since', '1h', 'web'], {
      containers: {logs},
    });
    assert.equal([code, stdout, stderr], [0, '\x1b[31mred\n', 'err\n']);
    const [{tail, follow, timestamps, since, until} = {}] = seen;
    assert.equal([tail, follow, timestamps, until], [5, true, true, undefined]);
    assert.ok(Math.abs(Date.now() - 3_600_000 - (since?.getTime() ?? 0)) < 60_000);
    assert.is((await runWinch(['logs', '--tail', 'x', 'web'])).code, 2);
  });
});
