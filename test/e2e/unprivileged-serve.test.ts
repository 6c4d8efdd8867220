import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {askSocket} from '../engine-api/serve-store.ts';
import {pullBox} from '../helpers/pull-box.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeUnprivilegedWinch, missingForUser} from '../helpers/unprivileged-user.ts';
import {waitFor} from '../helpers/wait-for.ts';

const DRIVER = process.env.WINCH_SNAPSHOTTER;
const skip =
  missingForUser('runc', 'busybox', 'conmon', 'nsenter') ??
  (DRIVER === undefined || DRIVER === 'overlay' ? undefined : 'users keep containers with the overlay driver alone');

describe('e2e/unprivileged-serve', ({test}) => {
  test(
    "a user's server reads and writes the files of containers, whether they run or not",
    async () => {
      await using user = await makeUnprivilegedWinch();
      const image = await pullBox(user.run);
      const socketPath = join(user.winch.directory, 'winch.sock');
      const call = {within: user.within, env: user.env};
      const server = user.winch.start(['serve', '--host', `unix://${socketPath}`], call);
      await waitFor(() => server.readStderr().includes('listening'));
      const ask = async (line: string, status: number, body?: string | Buffer) => {
        const answer = await askSocket(socketPath, line, body === undefined ? {} : {body});
        assert.is(answer.status, status, `${line}: ${answer.body} ${server.readStderr()}`);
        return answer;
      };
      const Binds = [`${user.winch.directory}:/read:ro`];
      const config = {Image: image, Cmd: ['sleep', '600'], HostConfig: {NetworkMode: 'none', Binds}};
      const {Id: id} = (await ask('POST /containers/create', 201, JSON.stringify(config))).json() as {Id: string};
      for (const state of ['created', 'running', 'exited']) {
        if (state === 'running') await ask(`POST /containers/${id}/start`, 204);
        if (state === 'exited') await ask(`POST /containers/${id}/stop?t=0`, 204);
        const tar = buildTar([{path: state, content: state, uid: 7, gid: 8, mode: 0o600}]);
        await ask(`PUT /containers/${id}/archive?path=/tmp`, 200, tar);
        await ask(`PUT /containers/${id}/archive?path=/missing`, 404, tar);
        await ask(`PUT /containers/${id}/archive?path=/read`, state === 'created' ? 404 : 400, tar);
        const read = await ask(`GET /containers/${id}/archive?path=/tmp/${state}`, 200);
        assert.match(await listTar(read.body), new RegExp(`^-rw------- 7/8 .* ${state}\n$`));
        await ask(`HEAD /containers/${id}/archive?path=/tmp/${state}`, 200);
        await ask(`GET /containers/${id}/archive?path=/missing`, 404);
        const exported = await ask(`GET /containers/${id}/export`, 200);
        assert.match(await listTar(exported.body), new RegExp(` tmp/${state}\n`));
      }
      const changes = (await ask(`GET /containers/${id}/changes`, 200)).json() as {readonly Path: string}[];
      assert.ok(changes.some(({Path}) => Path === '/tmp/running'));
      const committed = await ask(`POST /commit?container=${id}&repo=made&tag=1`, 201, 'null');
      assert.match(String((committed.json() as {Id: unknown}).Id), /^sha256:/);
      await ask(`DELETE /containers/${id}?force=1`, 204);
      server.child.kill('SIGTERM');
      assert.is((await server.exited).exitCode, 0);
    },
    {skip, timeoutMs: 240_000},
  );
});

async function listTar(tar: Buffer): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'winch-tar-'));
  try {
    writeFileSync(join(directory, 'listed.tar'), tar);
    return await requireProgram('tar', ['tvf', join(directory, 'listed.tar'), '--numeric-owner']);
  } finally {
    rmSync(directory, {recursive: true});
  }
}
