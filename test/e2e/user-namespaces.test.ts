import * as assert from 'node:assert/strict';
import {mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {tracesOf} from '../helpers/container-traces.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {missingFor} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const skip =
  missingFor('runc', 'busybox', 'conmon', 'unshare', 'nsenter', 'ip') ??
  (process.env.WINCH_SNAPSHOTTER === 'fuse-overlayfs' ? 'it shows no other owners' : undefined);
const FIRST = 300_000;
const MAPPED = ['--uidmap', `0:${FIRST}:65536`];
/** Owner, group and name, a line each. */
const OWNERS = 'stat -c "%u %g %n"';

/** Containers of root with users of their own. */
describe('e2e/user-namespaces', ({test: declare}) => {
  interface Mapped {
    readonly winch: Winch;
    /** Runs a command that has to succeed. @returns what it prints, without the last newline */
    do(...words: readonly string[]): Promise<string>;
  }

  const test = (title: string, body: (mapped: Mapped) => Promise<void>) =>
    declare(
      title,
      async () => {
        using winch = makeWinch();
        await using registry = await startRegistry();
        registry.put('box', '1', busyboxImage({config: {Volumes: {'/home': {}}}}));
        registry.put('box', '2', busyboxImage());
        const act: Mapped['do'] = async (...words) =>
          requireSuccess(await winch.run(words), words.join(' ')).stdout.trimEnd();
        for (const tag of ['1', '2']) {
          await act('pull', '-q', `${registry.host}/box:${tag}`);
          await act('tag', `${registry.host}/box:${tag}`, tag === '1' ? 'volumes' : 'box');
        }
        const ids: string[] = [];
        try {
          await body({winch, do: act});
        } finally {
          ids.push(...(await act('ps', '-aq', '--no-trunc')).split('\n').filter(Boolean));
          if (ids.length > 0) await act('rm', '-f', ...ids);
        }
        // What is to be done at the end of a container is done after it.
        await waitFor(() => tracesOf(ids, winch).length === 0);
      },
      {skip, timeoutMs: 180_000},
    );

  test('a run has ids of its own, sees the owners of the image, and writes as them', async ({do: act}) => {
    const script = `cat /proc/self/uid_map; ${OWNERS} /bin /etc/passwd /home/alice; touch /etc/new; ${OWNERS} /etc/new`;
    const lines = (await act('run', '--network', 'none', ...MAPPED, 'box', 'sh', '-c', script)).split('\n');
    assert.deepEqual(
      lines.map((line) => line.trim().replaceAll(/ +/g, ' ')),
      [`0 ${FIRST} 65536`, '0 0 /bin', '0 0 /etc/passwd', '1000 1000 /home/alice', '0 0 /etc/new'],
    );
    const alice = `id -u; touch /home/alice/a && ${OWNERS} /home/alice/a; touch /etc/a 2>&1`;
    const text = await act('run', '--network', 'none', ...MAPPED, '-u', 'alice', 'box', 'sh', '-c', `${alice} || true`);
    assert.equal(text, '1000\n1000 1000 /home/alice/a\ntouch: /etc/a: Permission denied');
  });

  test('it is nobody on the machine, and nothing of root there is in reach', async ({winch, do: act}) => {
    const secret = join(winch.directory, 'secret');
    mkdirSync(secret, {mode: 0o700});
    const id = await act('run', '-d', '--network', 'none', ...MAPPED, '-v', `${secret}:/secret`, 'box', 'sleep', '600');
    const pid = await act('inspect', '--format', '{{.State.Pid}}', id);
    assert.equal(statSync(`/proc/${pid}`).uid, FIRST);
    const denied = await winch.run(['exec', id, 'ls', '/secret']);
    assert.match(denied.stderr, /Permission denied/);
    assert.equal(await act('exec', id, 'stat', '-c', '%u', '/secret'), '65534');
  });

  test('copies into a run belong to its root, and what it leaves can be taken out', async ({winch, do: act}) => {
    const [source, out] = [join(winch.directory, 'in'), join(winch.directory, 'out')];
    writeFileSync(source, 'in\n');
    const flags = [...MAPPED, '--copy-in', `${source}:/work`, '--copy-out', `/work:${out}`];
    const script = `${OWNERS} /work /work/in; cat /work/in > /work/result`;
    assert.equal(await act('run', '--network', 'none', ...flags, 'box', 'sh', '-c', script), '0 0 /work\n0 0 /work/in');
    assert.equal(readFileSync(join(out, 'result'), 'utf8'), 'in\n');
    assert.equal(statSync(join(out, 'result')).uid, 0);
  });

  test('volumes keep the owners that containers give, mapped or not', async ({do: act}) => {
    const use = (flags: readonly string[], script: string) =>
      act('run', '--network', 'none', ...flags, '-v', 'shared:/data', 'volumes', 'sh', '-c', script);
    assert.equal(
      await use(MAPPED, `touch /data/a; ${OWNERS} /data/a /home/alice`),
      '0 0 /data/a\n1000 1000 /home/alice',
    );
    assert.equal(await use([], `touch /data/b; ${OWNERS} /data/*`), '0 0 /data/a\n0 0 /data/b');
    const other = ['--uidmap', '0:500000:65536'];
    assert.equal(await use(other, `rm /data/b && ${OWNERS} /data/*`), '0 0 /data/a');
    const mounted = await act(
      ...['run', '--network', 'none', ...MAPPED, '--mount', 'type=image,source=box,target=/image', 'box'],
      ...['stat', '-c', '%u', '/image/home/alice'],
    );
    assert.equal(mounted, '1000');
  });

  test('in a network its root has the rights of one, and further processes get there', async ({do: act}) => {
    const id = await act(
      'run',
      '-d',
      '--network',
      'bridge',
      '--cap-add',
      'NET_ADMIN',
      ...MAPPED,
      'box',
      'sleep',
      '600',
    );
    const script = 'busybox ip link set lo down && busybox ip link set lo up && id -u && cat /etc/hosts > /dev/null';
    assert.equal(await act('exec', id, 'sh', '-c', script), '0');
    assert.equal(await act('exec', '-u', 'alice', id, 'id', '-u'), '1000');
    await act('exec', id, 'sh', '-c', 'echo 192.0.2.1 other >> /etc/hosts');
    assert.match(await act('exec', id, 'cat', '/proc/net/dev'), /eth0/);
    assert.match(await act('run', '--network', 'host', ...MAPPED, 'box', 'cat', '/proc/net/dev'), /\blo:/);
  });

  test('a kept one is copied to and from, exported, compared and committed with the owners it has', async (mapped) => {
    const {winch, do: act} = mapped;
    const id = await act('create', '--network', 'none', ...MAPPED, 'box', 'sleep', '600');
    const source = join(winch.directory, 'file');
    writeFileSync(source, 'x');
    const listHome = async (words: readonly string[]) => {
      const tar = join(winch.directory, 'files.tar');
      writeFileSync(tar, (await winch.run(words)).output);
      const listed = await requireProgram('tar', ['--numeric-owner', '-tvf', tar]);
      const found = listed.matchAll(/^\S+ (\S+) .*alice\/(.+)$/gm);
      return [...found].map(([, owner, name]) => `${owner} ${name}`).sort();
    };
    for (const state of ['running', 'stopped', 'again'] as const) {
      if (state === 'stopped') await act('stop', '-t', '0', id);
      else await act('start', id);
      await act('cp', source, `${id}:/home/alice/${state}`);
      if (state === 'stopped') continue;
      await act('exec', '-u', 'alice', id, 'touch', `/home/alice/own-${state}`);
      const owners = await act('exec', id, 'sh', '-c', `cd /home/alice && ${OWNERS} ${state} own-${state}`);
      assert.equal(owners, `0 0 ${state}\n1000 1000 own-${state}`);
    }
    const files = ['0/0 again', '0/0 running', '0/0 stopped', '1000/1000 own-again', '1000/1000 own-running'];
    const changes = ['again', 'own-again', 'own-running', 'running', 'stopped'].map((name) => `A /home/alice/${name}`);
    for (const state of ['running', 'stopped'] as const) {
      if (state === 'stopped') await act('stop', '-t', '0', id);
      assert.deepEqual(await listHome(['cp', `${id}:/home/alice`, '-']), files, state);
      assert.deepEqual(await listHome(['export', id]), files, state);
      const found = (await act('diff', id)).split('\n').filter((line) => line.startsWith('A /home'));
      assert.deepEqual(found.sort(), changes, state);
      await act('commit', '-q', id, `made-${state}`);
      const made = await act(
        'run',
        '--network',
        'none',
        `made-${state}`,
        'sh',
        '-c',
        `${OWNERS} /home/alice/own-again`,
      );
      assert.equal(made, '1000 1000 /home/alice/own-again', state);
    }
  });

  test('a run in the foreground is copied from with its owners', async ({winch, do: act}) => {
    const run = winch.start(
      [
        'run',
        '--network',
        'none',
        '-i',
        '--name',
        'front',
        ...MAPPED,
        'box',
        'sh',
        '-c',
        'touch /srv; echo up; read -r line',
      ],
      {input: null},
    );
    await waitFor(() => run.readStdout().includes('up'));
    const tar = join(winch.directory, 'front.tar');
    writeFileSync(tar, requireSuccess(await winch.run(['cp', 'front:/home/alice', '-'])).output);
    assert.match(await requireProgram('tar', ['--numeric-owner', '-tvf', tar]), / 1000\/1000 .* alice\/$/m);
    assert.equal(await act('diff', 'front'), 'A /srv');
    run.stdin.end('\n');
    assert.equal((await run.exited).exitCode, 0);
  });

  test('inspect tells the mappings, and a terminal belongs to the user', async ({do: act}) => {
    const groups = ['--gidmap', '0:400000:1000', '--gidmap', '1000:500000:1'];
    const id = await act('run', '-dt', '--network', 'none', ...MAPPED, ...groups, 'box', 'sleep', '600');
    const [{HostConfig}] = JSON.parse(await act('inspect', id));
    assert.deepEqual(
      [HostConfig.UsernsMode, HostConfig.IDMappings],
      ['private', {UidMap: [`0:${FIRST}:65536`], GidMap: ['0:400000:1000', '1000:500000:1']}],
    );
    assert.equal(await act('exec', id, 'sh', '-c', 'stat -c %u /dev/console; id -g alice'), '0\n1000');
  });

  test('what cannot be is refused, with what can', async ({winch, do: act}) => {
    await act('run', '-d', '--name', 'other', '--network', 'bridge', '--ipc', 'shareable', 'box', 'sleep', '600');
    const cases: readonly (readonly [flags: readonly string[], code: string])[] = [
      [['--userns', 'keep-id'], 'NAMESPACE_UNSUPPORTED'],
      [['--uidmap', '1:1000:5'], 'NAMESPACE_UNSUPPORTED'],
      [[...MAPPED, '--pid', 'host'], 'NAMESPACE_UNSUPPORTED'],
      [[...MAPPED, '--network', 'container:other'], 'NAMESPACE_UNSUPPORTED'],
      [[...MAPPED, '--ipc', 'container:other'], 'NAMESPACE_UNSUPPORTED'],
      [[...MAPPED, '-u', '70000'], 'USER_UNMAPPED'],
      [[...MAPPED, '--snapshotter', 'fuse-overlayfs'], 'NAMESPACE_UNSUPPORTED'],
      [['--uidmap', '0:1:2', '--uidmap', '1:9:2'], 'ID_MAPPING_INVALID'],
    ];
    for (const [flags, code] of cases) {
      const exit = await winch.run(['run', ...flags, 'box', 'true']);
      requireRefusal(exit, {code, exit: 125}, flags.join(' '));
    }
    for (const flags of [
      ['--userns', 'auto'],
      ['--userns', 'host', ...MAPPED],
    ]) {
      assert.equal((await winch.run(['run', ...flags, 'box', 'true'])).exitCode, 125, flags.join(' '));
    }
    assert.deepEqual(readdirSync(join(winch.root, 'containers')), ['.locks']);
  });
});
