import * as assert from 'uvu/assert';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {describe} from '../helpers/suite.ts';
import {appTar, baseTar, imageOf} from '../images/sample-images.ts';
import {serveTestStore} from './serve-store.ts';

interface Line {
  readonly status?: string;
  readonly id?: string;
  readonly error?: string;
  readonly aux?: {readonly Tag: string; readonly Digest: string; readonly Size: number};
}

describe('engine-api/image-push', ({test}) => {
  test('pushes a tag with progress, and says what is there already', async () => {
    await using registry = await startRegistry();
    await using served = await serveTestStore();
    const image = imageOf([baseTar, appTar]);
    registry.put('app', '1', image);
    const [source, target] = [`${registry.host}/app`, `${registry.host}/copy`];
    await served.ask(`POST /images/create?fromImage=${source}&tag=1`);
    await served.ask(`POST /images/${source}:1/tag?repo=${target}&tag=2`);
    const push = async () => (await served.ask(`POST /images/${target}/push?tag=2`)).lines() as readonly Line[];
    const lines = await push();
    assert.is(lines[0]?.status, `The push refers to repository [${target}]`);
    const ids = image.diffIds.map((digest) => digest.slice('sha256:'.length).slice(0, 12));
    const told = (id: string) => lines.filter((line) => line.id === id).map(({status}) => status);
    for (const id of ids)
      assert.equal(
        [
          told(id)[0],
          told(id)
            .at(-1)
            ?.match(/^(Pushed|Mounted)/)?.length,
        ],
        ['Preparing', 2],
      );
    const {aux} = lines.at(-1) ?? {};
    assert.equal(aux, {Tag: '2', Digest: image.manifest.digest, Size: image.manifest.bytes.length});
    assert.is(lines.at(-2)?.status, `2: digest: ${aux?.Digest} size: ${aux?.Size}`);
    const again = await push();
    assert.is(again.filter(({status}) => status === 'Layer already exists').length, 2);
    assert.equal(again.at(-1)?.aux, aux);
    assert.equal(served.bugs, []);
  });

  test('without a tag pushes all tags of a repository, with the login of the request', async () => {
    await using registry = await startRegistry({challenge: 'basic', users: {me: 'secret'}});
    await using served = await serveTestStore();
    await served.ask('POST /images/create?fromSrc=-&repo=made&tag=1', {body: baseTar});
    const repository = `${registry.host}/own`;
    for (const tag of ['1', '2']) await served.ask(`POST /images/made:1/tag?repo=${repository}&tag=${tag}`);
    const login = Buffer.from(JSON.stringify({username: 'me', password: 'secret'})).toString('base64url');
    const headers = {'X-Registry-Auth': login};
    const lines = (await served.ask(`POST /images/${repository}/push`, {headers})).lines() as readonly Line[];
    assert.equal(
      lines.flatMap(({aux}) => (aux ? [aux.Tag] : [])),
      ['1', '2'],
    );
    const refused = (await served.ask(`POST /images/${repository}/push?tag=1`)).lines() as readonly Line[];
    assert.match(String(refused.at(-1)?.error), /login|credential|logged/i);
    assert.equal(served.bugs, []);
  });

  test('E05 tells in its last line what went wrong', async () => {
    await using served = await serveTestStore();
    const answer = await served.ask('POST /images/127.0.0.1:1/none/push?tag=1');
    assert.is(answer.status, 200);
    assert.match(String((answer.lines() as readonly Line[]).at(-1)?.error), /No such image: 127.0.0.1:1.none:1/);
    assert.is((await served.ask('POST /images/UPPER/push?tag=1')).status, 400);
    const bad = await served.ask('POST /images/app/push?tag=1', {headers: {'X-Registry-Auth': '{'}});
    assert.is(bad.status, 400);
    assert.equal(served.bugs, []);
  });
});
