import {once} from 'node:events';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {hijack} from '../engine-api/hijack.ts';
import {askSocket} from '../engine-api/serve-store.ts';
import {tracesOf} from '../helpers/container-traces.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const skip = missingFor('runc', 'busybox', 'conmon');
const CONTAINERS = 10;

interface Row {
  readonly Id: string;
  readonly State: string;
}

describe('e2e/killed-server', ({test}) => {
  const serve = async (winch: Winch) => {
    const socketPath = join(winch.directory, 'winch.sock');
    const server = winch.start(['serve', '--host', `unix://${socketPath}`]);
    await waitFor(() => server.readStderr() === `winch: listening on unix://${socketPath}\n`);
    const ask = async (line: string, body?: object) =>
      await askSocket(socketPath, line, body === undefined ? {} : {body: JSON.stringify(body)});
    return {server, socketPath, ask};
  };
  const pullBusybox = async (winch: Winch) => {
    await using registry = await startRegistry();
    registry.put('busybox', '1', busyboxImage());
    const image = `${registry.host}/busybox:1`;
    assert.is((await winch.run(['pull', '--platform', 'linux/amd64', image])).exitCode, 0);
    return image;
  };

  test(
    'E06 a killed server loses no container and no exit code, and leaves nothing of its own',
    async () => {
      using winch = makeWinch();
      const Image = await pullBusybox(winch);
      const first = await serve(winch);
      const ids: string[] = [];
      for (let code = 0; code < CONTAINERS; code += 1) {
        const Cmd = ['sh', '-c', `echo up ${code}; while ! test -e /tmp/go; do sleep 0.1; done; exit ${code}`];
        const made = await first.ask('POST /containers/create', {Image, Cmd, HostConfig: {NetworkMode: 'none'}});
        const {Id} = made.json() as {Id: string};
        assert.is((await first.ask(`POST /containers/${Id}/start`)).status, 204);
        ids.push(Id);
      }
      const [attached = ''] = ids;
      const {socket} = await hijack(first.socketPath, `POST /containers/${attached}/attach?stream=1&stdout=1`);
      const closed = once(socket.resume(), 'close');
      first.server.child.kill('SIGKILL');
      await first.server.exited;
      await closed;
      // Ends while there is no server.
      assert.is((await winch.run(['exec', attached, 'touch', '/tmp/go'])).exitCode, 0);
      assert.is((await winch.run(['wait', attached])).stdout, '0\n');

      const {server, ask} = await serve(winch);
      const rows = (await ask('GET /containers/json?all=1')).json() as readonly Row[];
      assert.equal(rows.map(({Id}) => Id).toSorted(), ids.toSorted());
      assert.equal(rows.filter(({State}) => State === 'running').length, CONTAINERS - 1);
      for (const [code, id] of ids.entries()) {
        const logs = await ask(`GET /containers/${id}/logs?stdout=1`);
        assert.ok(logs.body.toString().endsWith(`up ${code}\n`));
        if (code === 0) continue;
        const exec = (await ask(`POST /containers/${id}/exec`, {Cmd: ['touch', '/tmp/go']})).json() as {Id: string};
        assert.is((await ask(`POST /exec/${exec.Id}/start`, {Detach: true})).status, 200);
      }
      const codes = await Promise.all(ids.map(async (id) => (await ask(`POST /containers/${id}/wait`)).json()));
      assert.equal(
        codes,
        ids.map((_, StatusCode) => ({StatusCode})),
      );
      for (const id of ids) assert.is((await ask(`DELETE /containers/${id}`)).status, 204);
      const {root, runtimeDirectory} = winch;
      await waitFor(() => tracesOf([...ids, join(root, 'kept')], {root, runtimeDirectory}).length === 0);
      server.child.kill('SIGTERM');
      assert.is((await server.exited).exitCode, 0);
    },
    {skip, timeoutMs: 240_000},
  );
});
