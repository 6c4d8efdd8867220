import * as assert from 'node:assert/strict';
import {chownSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {pullBox} from '../helpers/pull-box.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {
  makeUnprivilegedWinch,
  missingForUser,
  type UnprivilegedWinch,
  USER,
  type UserOptions,
} from '../helpers/unprivileged-user.ts';

const skip =
  missingForUser('runc', 'busybox', 'conmon', 'nsenter', 'pasta') ??
  (process.env.WINCH_SNAPSHOTTER === 'erofs' ? 'root of a user namespace mounts no erofs' : undefined);
const OWNERS = 'stat -c "%u %g %n"';

/** Containers of a user with users of their own. */
describe('e2e/unprivileged-userns', ({test: declare}) => {
  interface Mapped {
    readonly user: UnprivilegedWinch;
    readonly image: string;
    /** A directory of the user, for binds. */
    readonly own: string;
    /** Runs a command that has to succeed. @returns what it prints, without the last newline */
    do(...words: readonly string[]): Promise<string>;
  }

  const test = (title: string, body: (mapped: Mapped) => Promise<void>, options?: UserOptions) =>
    declare(
      title,
      async () => {
        await using user = await makeUnprivilegedWinch(options);
        const image = await pullBox(user.run);
        const own = join(user.winch.directory, 'own');
        mkdirSync(own);
        chownSync(own, USER, USER);
        const act: Mapped['do'] = async (...words) =>
          requireSuccess(await user.run(words), words.join(' ')).stdout.trimEnd();
        try {
          await body({user, image, own, do: act});
        } finally {
          const ids = (await act('ps', '-aq')).split('\n').filter(Boolean);
          if (ids.length > 0) await act('rm', '-f', ...ids);
        }
      },
      {skip, timeoutMs: 240_000},
    );

  test('a user is itself in a container, and what is written outside belongs to it', async ({image, own, do: act}) => {
    const flags = ['--network', 'none', '-v', `${own}:/own`];
    const script = `id -u; id -g; ${OWNERS} /own /bin /home/alice; touch /own/made`;
    const said = await act('run', '-q', ...flags, '--userns', 'keep-id', image, 'sh', '-c', script);
    assert.deepEqual(said.split('\n'), [
      ...[String(USER), String(USER), `${USER} ${USER} /own`, '0 0 /bin', '1000 1000 /home/alice'],
    ]);
    assert.equal(statSync(join(own, 'made')).uid, USER);
    const accounts = 'grep tester /etc/passwd /etc/group; ls -l /own/made';
    assert.deepEqual(
      (await act('run', '-q', ...flags, '--userns', 'keep-id', image, 'sh', '-c', accounts))
        .split('\n')
        .map((line) => line.replace(/^(-\S+ +1 \S+ +\S+) .*/, '$1').replaceAll(/ +/g, ' ')),
      [`/etc/passwd:tester:x:${USER}:${USER}::/:/bin/sh`, `/etc/group:tester:x:${USER}:`, '-rw-r--r-- 1 tester tester'],
    );
  });

  test('it can be another one, or root beside itself', async ({image, own, do: act}) => {
    const flags = ['--network', 'none', '-v', `${own}:/own`];
    const asAlice = ['--userns', 'keep-id:uid=1000,gid=1000'];
    const script = `id; ${OWNERS} /own /home/alice; touch /own/alice /home/alice/x`;
    assert.deepEqual((await act('run', '-q', ...flags, ...asAlice, image, 'sh', '-c', script)).split('\n'), [
      'uid=1000(alice) gid=1000(alice) groups=1000(alice)',
      '1000 1000 /own',
      '1000 1000 /home/alice',
    ]);
    assert.equal(statSync(join(own, 'alice')).uid, USER);
    const root = `id -u; ${OWNERS} /own/alice /etc/passwd; touch /etc/new /own/root && ${OWNERS} /etc/new`;
    const said = await act('run', '-q', ...flags, ...asAlice, '-u', '0', image, 'sh', '-c', root);
    assert.deepEqual(said.split('\n'), ['0', '1000 1000 /own/alice', '0 0 /etc/passwd', '0 0 /etc/new']);
    assert.ok(statSync(join(own, 'root')).uid > 65_536);
  });

  test('mappings name the ids that the user has, and no others', async ({user, image, do: act}) => {
    const map = (...ranges: readonly string[]) => [
      '--network',
      'none',
      ...ranges.flatMap((range) => ['--uidmap', range]),
    ];
    const text = await act('run', '-q', ...map('0:1:1999', '1999:0:1'), image, 'cat', '/proc/self/uid_map');
    assert.deepEqual(text.split('\n').map(fields), ['0 1 1999', '1999 0 1']);
    for (const [code, ranges] of [
      ['ID_MAPPING_INVALID', ['0:1:65537']],
      ['ID_MAPPING_INVALID', ['0:1:2000']],
      ['OWNER_UNMAPPED', ['0:0:500']],
    ] as const) {
      const exit = await user.run(['run', '-q', ...map(...ranges), image, 'true']);
      requireRefusal(exit, {code, exit: 125}, ranges.join(' '));
    }
  });

  test('with a network of its own, files go in and come out', async ({user, image, own, do: act}) => {
    writeFileSync(join(own, 'in'), 'in\n');
    const files = ['--copy-in', `${own}/in:/work`, '--copy-out', `/work/out:${own}`];
    const script = `${OWNERS} /work/in; cat /proc/net/dev > /tmp/net; cat /work/in > /tmp/out; id -u`;
    const flags = ['-q', '--network', 'pasta', '--userns', 'keep-id', '-u', '0', ...files];
    const said = await act(
      'run',
      ...flags,
      image,
      'sh',
      '-c',
      `${script}; cp /tmp/out /work/out || cat /tmp/out > /work/out`,
    );
    assert.deepEqual(said.split('\n'), ['0 0 /work/in', '0']);
    assert.equal(readFileSync(join(own, 'out'), 'utf8'), 'in\n');
    assert.equal(statSync(join(own, 'out')).uid, USER);
    assert.equal((await user.run(['ps', '-aq'])).stdout, '');
  });

  test('a kept one is worked on with the owners that it has', async ({user, image, own, do: act}) => {
    const keep = ['--userns', 'keep-id:uid=1000,gid=1000', '--network', 'pasta'];
    const id = await act('create', '-q', ...keep, image, 'sleep', '600');
    await act('start', id);
    assert.equal(await act('exec', id, 'id', '-u'), '1000');
    await act('exec', id, 'touch', '/home/alice/made');
    writeFileSync(join(own, 'file'), 'x');
    await act('cp', join(own, 'file'), `${id}:/home/alice/file`);
    const owners = await act('exec', '-u', '0', id, 'sh', '-c', `cd /home/alice; ${OWNERS} made file`);
    assert.equal(owners, '1000 1000 made\n0 0 file');
    const expected = ['0/0 file', '1000/1000 made'];
    for (const state of ['running', 'stopped'] as const) {
      if (state === 'stopped') await act('stop', '-t', '0', id);
      const tar = join(own, `${state}.tar`);
      writeFileSync(tar, requireSuccess(await user.run(['cp', `${id}:/home/alice`, '-'])).output);
      const listed = await requireProgram('tar', ['--numeric-owner', '-tvf', tar]);
      const found = [...listed.matchAll(/^\S+ (\S+) .*alice\/(.+)$/gm)].map(([, owner, name]) => `${owner} ${name}`);
      assert.deepEqual(found.sort(), expected, state);
      assert.deepEqual((await act('diff', id)).split('\n').sort(), [
        ...['A /home/alice/file', 'A /home/alice/made', 'C /home', 'C /home/alice'],
      ]);
    }
    await act('commit', '-q', id, 'made');
    const made = await act('run', '-q', '--network', 'none', 'made', 'sh', '-c', `${OWNERS} /home/alice/made`);
    assert.equal(made, '1000 1000 /home/alice/made');
    assert.match(await act('inspect', id), /"UsernsMode": "keep-id:uid=1000,gid=1000"/);
  });

  test('layers are extracted once for each mapping, and go with their image', async ({user, image, do: act}) => {
    const trees = () =>
      readdirSync(join(user.winch.root, 'layers', 'sha256'), {recursive: true, encoding: 'utf8'})
        .filter((path) => /^[0-9a-f]{64}\/fs[^/]*$/.test(path))
        .map((path) => path.slice(65));
    const run = (...flags: readonly string[]) => user.run(['run', '--network', 'none', ...flags, image, 'true']);
    const first = requireSuccess(await run('--userns', 'keep-id'));
    if (trees().length === 0) {
      assert.match(first.stderr, /SNAPSHOTTER_FALLBACK: all files are copied/, 'only overlays are laid over layers');
      return;
    }
    assert.equal(requireSuccess(await run('--userns', 'keep-id')).stderr, '');
    const [tree] = trees();
    assert.match(tree ?? '', /^fs-[0-9a-f]{16}$/);
    requireSuccess(await run('--userns', 'keep-id:uid=5'));
    requireSuccess(await run());
    assert.deepEqual([trees().length, new Set(trees()).size, trees().includes('fs')], [3, 3, true]);
    assert.equal(await act('check', '-q', '--deep'), '');
    await act('rmi', image);
    assert.deepEqual(trees(), []);
  });

  test('volumes and other images begin with the owners of the image', async ({image, do: act}) => {
    const flags = ['-q', '--network', 'none', '--userns', 'keep-id'];
    const volume = ['-v', 'data:/home', '--mount', `type=image,source=${image},target=/image`];
    const script = `${OWNERS} /home /home/alice /image/home/alice`;
    const said = await act('run', ...flags, ...volume, image, 'sh', '-c', script);
    assert.deepEqual(said.split('\n'), ['0 0 /home', '1000 1000 /home/alice', '1000 1000 /image/home/alice']);
  });

  test(
    'with one id only there is none left for a root',
    async ({user, image}) => {
      const exit = await user.run(['run', '-q', '--network', 'none', '--userns', 'keep-id', image, 'true']);
      requireRefusal(exit, {code: 'NAMESPACE_UNSUPPORTED', exit: 125});
      assert.match(exit.stderr, /winch doctor/);
    },
    {ranges: 'none'},
  );
});

const fields = (line: string): string => line.trim().replaceAll(/ +/g, ' ');
