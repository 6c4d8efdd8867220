import * as assert from 'node:assert/strict';
import {existsSync, readFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {join} from 'node:path';
import {eventually} from '../containers/kept/kept-store.ts';
import {processes} from '../helpers/container-traces.ts';
import {pullBox} from '../helpers/pull-box.ts';
import {requireRefusal, requireSuccess} from '../helpers/require-exit.ts';
import {describe} from '../helpers/suite.ts';
import {makeUnprivilegedWinch, missingForUser, type UnprivilegedWinch} from '../helpers/unprivileged-user.ts';
import {waitFor} from '../helpers/wait-for.ts';

const TIMEOUT_MS = 240_000;
const KEEPING: readonly (string | undefined)[] = [undefined, 'overlay'];
const STACKS = ['pasta', 'slirp4netns'] as const;
const missing =
  missingForUser('runc', 'busybox', 'conmon', 'nsenter') ??
  (KEEPING.includes(process.env.WINCH_SNAPSHOTTER)
    ? undefined
    : 'users keep containers with the overlay driver alone') ??
  (existsSync('/dev/net/tun') ? undefined : 'there is no /dev/net/tun') ??
  (hasDefaultRoute() ? undefined : 'this machine has no network');
const SERVE = 'busybox httpd -f -p 8080 -h /etc';

describe('e2e/unprivileged-network', ({test: declare}) => {
  const test = (
    title: string,
    body: (user: UnprivilegedWinch, image: string) => Promise<void>,
    {needs = [], without}: {readonly needs?: readonly string[]; readonly without?: string} = {},
  ) =>
    declare(
      title,
      async () => {
        await using user = await makeUnprivilegedWinch(without === undefined ? {} : {without});
        const image = await pullBox(user.run);
        try {
          await body(user, image);
        } finally {
          const ids = (await user.run(['ps', '-aq'])).stdout.split('\n').filter(Boolean);
          if (ids.length > 0) await user.run(['rm', '-f', ...ids]);
        }
        await eventually(() => programsOf(user).length === 0);
      },
      {skip: missing ?? missingForUser(...needs), timeoutMs: TIMEOUT_MS},
    );
  const act = async (user: UnprivilegedWinch, ...words: readonly string[]) =>
    requireSuccess(await user.run(words)).stdout.trim();

  for (const stack of STACKS) {
    test(
      `a port of a container answers on this machine, by ${stack}, until it ends`,
      async (user, image) => {
        const flags = ['--network', stack, '-p', '127.0.0.1::8080', '--hostname', 'inside', '--name', 'web'];
        await act(user, 'run', '-d', ...flags, '--dns', '192.0.2.77', image, 'sh', '-c', SERVE);
        const port = await portOf(user, 'web');
        await eventually(async () => (await get(port, '/hostname')) === 'inside');
        assert.equal(await get(port, '/resolv.conf'), 'nameserver 192.0.2.77');
        assert.deepEqual(programsOf(user), [stack]);
        await act(user, 'restart', '-t', '0', 'web');
        const next = await portOf(user, 'web');
        await eventually(async () => (await get(next, '/hostname')) === 'inside');
        assert.match(await act(user, 'ps', '--format', '{{.Ports}}'), new RegExp(`127.0.0.1:${next}->8080/tcp`));
        await act(user, 'stop', '-t', '0', 'web');
        assert.deepEqual(programsOf(user), []);
        await act(user, 'rm', 'web');
      },
      {needs: [stack]},
    );

    test(
      `a run is connected by ${stack}, reaches out, and leaves no process, also when it is killed`,
      async (user, image) => {
        const {port, close} = await listen(ownAddress());
        try {
          const words = ['run', '--network', stack, image];
          const devices = await act(user, ...words, 'cat', '/proc/net/dev');
          assert.match(await act(user, ...words, 'cat', '/etc/resolv.conf'), /^nameserver \d/m);
          assert.match(devices, stack === 'pasta' ? /^ *(?!lo:)\w+:/m : /^ *tap0:/m);
          // The address of the machine is the container's own with pasta.
          if (stack === 'slirp4netns') {
            const command = ['busybox', 'nc', ownAddress(), String(port)];
            await eventually(async () => (await user.run([...words, ...command])).stdout === 'from outside\n');
          }
          assert.deepEqual(programsOf(user), []);
          const front = user.winch.start([...words, 'sh', '-c', 'echo up; exec sleep 1000'], user);
          await waitFor(() => front.readStdout() === 'up\n');
          assert.deepEqual(programsOf(user), [stack]);
          front.child.kill('SIGKILL');
          await front.exited;
          await eventually(() => programsOf(user).length === 0);
        } finally {
          close();
        }
      },
      {needs: [stack]},
    );
  }

  for (const stack of STACKS) {
    test(
      `a container reaches this machine at host-gateway, by ${stack}, and not its loopback address`,
      async (user, image) => {
        const {port, close} = await listen('0.0.0.0');
        const inside = await listen('127.0.0.1');
        try {
          const flags = ['--network', stack, '--add-host', 'machine:host-gateway', '-p', '127.0.0.1::8080'];
          const ask = (at: number) => `busybox timeout 5 busybox nc machine ${at}`;
          const script = `${ask(port)}; ${ask(inside.port)} || echo nobody; exec ${SERVE}`;
          await act(user, 'run', '-d', '--name', 'web', '--hostname', 'inside', ...flags, image, 'sh', '-c', script);
          await eventually(async () => (await get(await portOf(user, 'web'), '/hostname')) === 'inside');
          // Debian 12's pasta may hand over what came before the end of a connection more than once.
          assert.match(await act(user, 'logs', 'web'), /^(from outside\n)+nobody$/);
          await act(user, 'rm', '-f', 'web');
        } finally {
          for (const end of [close, inside.close]) end();
        }
      },
      {needs: [stack]},
    );
  }

  test(
    'a port alone asks for such a network, and pasta comes first',
    async (user, image) => {
      const words = ['run', '-d', '-p', '127.0.0.1::8080/udp', '-p', '127.0.0.1::8080', image, 'sh', '-c', SERVE];
      const id = await act(user, ...words);
      assert.deepEqual(programsOf(user), ['pasta']);
      const ports = await act(user, 'port', id);
      assert.match(ports, /^8080\/udp -> 127.0.0.1:\d+\n8080\/tcp -> 127.0.0.1:\d+$/);
      await act(user, 'rm', '-f', id);
    },
    {needs: ['pasta']},
  );

  test(
    'goes on with slirp4netns where pasta is missing, and is cleared by the next command when all is killed',
    async (user, image) => {
      const id = await act(user, 'run', '-d', '--network', 'bridge', image, 'sleep', '1000');
      assert.deepEqual(programsOf(user), ['slirp4netns']);
      const note = JSON.parse(readFileSync(join(user.winch.root, 'kept', id, 'start.json'), 'utf8'));
      for (const {pid} of [note.supervisor, note.process]) process.kill(pid, 'SIGKILL');
      await eventually(async () => (await act(user, 'ps', '-a', '--format', '{{.State}}')) === 'exited');
      assert.deepEqual(programsOf(user), []);
    },
    {needs: ['slirp4netns'], without: '/usr/bin/pasta'},
  );

  test('says what keeps a port or a network from a user', async (user, image) => {
    const refuse = async (code: string, ...flags: readonly string[]) =>
      requireRefusal(await user.run(['run', ...flags, image, 'true']), {code, exit: 125}, flags.join(' '));
    await refuse('PORT_DENIED', '-p', '80:80');
    await refuse('PORT_UNREACHABLE', '-p', '8080:80/sctp');
    const {port, close} = await listen('127.0.0.1');
    await refuse('PORT_TAKEN', '-p', `127.0.0.1:${port}:80`);
    close();
    await refuse('FLAGS_CONFLICT', '--network', 'pasta', '--ip', '10.1.2.3');
    assert.deepEqual(programsOf(user), []);
  });
});

/** The programs that connect containers of this user's store. */
const programsOf = ({winch}: UnprivilegedWinch): readonly string[] =>
  processes()
    .filter(({words}) => words.some((word) => word.startsWith(`${winch.directory}/`) && word.endsWith('/netns')))
    .map(({words: [program = '']}) => program.split('/').at(-1) ?? '');

async function portOf(user: UnprivilegedWinch, container: string): Promise<number> {
  const {stdout} = requireSuccess(await user.run(['port', container, '8080']));
  return Number(stdout.trim().split(':').at(-1));
}

/** What is at a path; empty where nobody answers. */
async function get(port: number, path: string): Promise<string> {
  try {
    return (await (await fetch(`http://127.0.0.1:${port}${path}`)).text()).trim();
  } catch {
    return '';
  }
}

async function listen(address: string) {
  const server = createServer((socket) => socket.end('from outside\n'));
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {port: (server.address() as {port: number}).port, close: () => server.close()};
}

function hasDefaultRoute(): boolean {
  const routes = readFileSync('/proc/net/route', 'utf8').split('\n');
  return routes.some((line) => line.split('\t')[1] === '00000000');
}

/** An address of this machine that is not the loopback's. */
function ownAddress(): string {
  const local = readFileSync('/proc/net/fib_trie', 'utf8').matchAll(/\|-- (\d+\.\d+\.\d+\.\d+)\n\s+\/32 host LOCAL/g);
  const found = [...local].map(([, address = '']) => address).find((address) => !address.startsWith('127.'));
  if (found === undefined) throw new Error('this machine has no address');
  return found;
}
