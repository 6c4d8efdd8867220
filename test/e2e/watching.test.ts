import * as assert from 'node:assert/strict';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type RegistryServer, type RegistryServerOptions, startRegistry} from '../../fixtures/registry-server.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const PASSWORD = 'canary-password';
const IDENTITY = 'canary-identity';
const SIGNATURE = 'canary-signature';
const LAYER_BYTES = 300_000;
const IMAGE = buildImage({
  layers: ['one', 'two'].map((path) => buildTar([{path, content: path.repeat(LAYER_BYTES / 3)}])),
  compression: 'none',
});

interface TraceSpan {
  readonly name: string;
  readonly cat: string;
  readonly tid: number;
  readonly ts: number;
  readonly dur: number;
  readonly args: Readonly<Record<string, unknown>>;
}

const readSpans = (path: string): readonly TraceSpan[] =>
  JSON.parse(readFileSync(path, 'utf8')).traceEvents.filter(({ph}: {readonly ph: string}) => ph === 'X');

/** Viewers drop what overlaps in one lane without one containing the other. */
function assertNested(spans: readonly TraceSpan[]): void {
  for (const a of spans) {
    for (const b of spans) {
      if (a === b || a.tid !== b.tid || b.ts < a.ts || b.ts >= a.ts + a.dur) continue;
      assert.ok(b.ts + b.dur <= a.ts + a.dur || b.ts === a.ts, `${a.name} and ${b.name} overlap`);
    }
  }
}

interface Stage {
  readonly registry: RegistryServer;
  readonly winch: Winch;
  readonly image: string;
  readonly trace: string;
}

async function withStage(options: RegistryServerOptions, body: (stage: Stage) => Promise<void>): Promise<void> {
  await using registry = await startRegistry(options);
  registry.put('team/app', '1', IMAGE);
  using winch = makeWinch();
  await body({registry, winch, image: `${registry.host}/team/app:1`, trace: join(winch.directory, 'trace.json')});
}

const LOGINS: readonly (readonly [title: string, challenge: 'basic' | 'bearer', login: object])[] = [
  ['Basic', 'basic', {auth: Buffer.from(`alice:${PASSWORD}`).toString('base64')}],
  ['Bearer', 'bearer', {auth: Buffer.from(`alice:${PASSWORD}`).toString('base64')}],
  ['an identity token', 'bearer', {identitytoken: IDENTITY}],
];

describe('e2e/watching', ({test}) => {
  for (const [title, challenge, login] of LOGINS) {
    test(`--debug and --trace show a pull with ${title}, and no secret`, () =>
      withStage({challenge, users: {alice: PASSWORD}, identityTokens: [IDENTITY]}, async (stage) => {
        const {registry, winch, image, trace} = stage;
        await using storage = await startRegistry();
        storage.put('team/app', '1', IMAGE);
        const [layer] = IMAGE.layers;
        const location = `${storage.origin}/v2/team/app/blobs/${layer?.digest}?X-Amz-Signature=${SIGNATURE}`;
        registry.setFaults([{on: 'blob', matching: layer?.digest ?? '', status: 307, headers: {location}}]);
        writeFileSync(join(winch.dockerDirectory, 'config.json'), JSON.stringify({auths: {[registry.host]: login}}));

        const {exitCode, stderr} = await winch.run(['pull', '--debug', '--trace', trace, image]);

        assert.equal(exitCode, 0, stderr);
        assert.match(stderr, /^> \d+ GET http.*\/v2\/team\/app\/manifests\/1 .*authorization: (Basic|Bearer) \*\*\*/m);
        assert.match(stderr, /^< \d+ 200 in \d+ ms \(/m);
        assert.match(stderr, /\?X-Amz-Signature=\*\*\*/);
        assert.match(stderr, new RegExp(`^\\* ${registry.host}: .* from .*config\\.json$`, 'm'));
        const sent = registry.requests.flatMap(({headers}) => headers.authorization?.split(' ')[1] ?? []);
        assert.ok(sent.length > 0);
        const shown = stderr + readFileSync(trace, 'utf8');
        for (const secret of [...sent, 'canary']) assert.ok(!shown.includes(secret), `${secret} in ${shown}`);
      }));
  }

  test('a trace tells where the time of a pull went', () =>
    withStage({}, async ({winch, image, trace}) => {
      const {exitCode, stderr} = await winch.run(['pull', '--trace', trace, image]);
      assert.equal(exitCode, 0, stderr);
      const spans = readSpans(trace);
      assertNested(spans);
      const [root] = spans;
      assert.ok(root);
      assert.deepEqual([root.name, root.cat], ['winch pull', 'command']);
      for (const {name, ts, dur} of spans) assert.ok(ts >= 0 && ts + dur <= root.dur, name);
      const count = (category: string, start: string) =>
        spans.filter(({cat, name}) => cat === category && name.startsWith(start)).length;
      assert.deepEqual(
        [count('blob', 'receive'), count('blob', 'verify'), count('blob', 'commit'), count('layer', 'inflate')],
        [3, 3, 3, 2],
      );
      assert.deepEqual([count('layer', 'commit'), count('store', 'transaction') > 0], [2, true]);
      const blobs = spans.filter(({cat, name}) => cat === 'request' && name.includes('/blobs/'));
      assert.deepEqual(blobs.filter(({args}) => Number(args.bytes) > LAYER_BYTES).length, 2);
    }));

  test('a trace is written when the command fails', () =>
    withStage({}, async ({registry, winch, trace}) => {
      const {exitCode} = await winch.run(['pull', '--trace', trace, `${registry.host}/team/app:none`]);
      assert.equal(exitCode, 4);
      const statuses = readSpans(trace).map(({args}) => args.status);
      assert.ok(statuses.includes(404), JSON.stringify(statuses));
    }));

  test('Ctrl-C ends within a second, says what is kept, and the trace is there', () =>
    withStage({}, async ({registry, winch, image, trace}) => {
      registry.setFaults([{on: 'blob', slow: {bytes: 20_000, pauseMs: 200}}]);
      const {child, exited} = winch.start(['pull', '--trace', trace, image]);
      await waitFor(() => registry.requests.filter((request) => request.class === 'blob').length > 2);
      const before = performance.now();
      child.kill('SIGINT');
      const {exitCode, stderr} = await exited;
      assert.ok(performance.now() - before < 2000, `${performance.now() - before} ms`);
      assert.equal(exitCode, 130);
      assert.equal(
        stderr.split('\n').at(-2),
        'winch: INTERRUPTED: stopped by SIGINT: what arrived is kept; the same command goes on from there',
      );
      assert.ok(existsSync(trace));
      assertNested(readSpans(trace));
    }));

  test('a second Ctrl-C ends at once', () =>
    withStage({}, async ({registry, winch, image}) => {
      registry.setFaults([{on: 'blob', slow: {bytes: 20_000, pauseMs: 200}}]);
      const {child, exited} = winch.start(['pull', image]);
      await waitFor(() => registry.requests.filter((request) => request.class === 'blob').length > 2);
      child.kill('SIGINT');
      const again = setInterval(() => child.kill('SIGINT'), 150);
      const {exitCode, signal} = await exited;
      clearInterval(again);
      // One more may arrive when nobody listens any more: a shell sees 130 then as well.
      assert.ok(exitCode === 130 || signal === 'SIGINT', `${exitCode} ${signal}`);
    }));

  test('pauses that the registry asks for are one line', () =>
    withStage({}, async ({registry, winch, image}) => {
      registry.setFaults([{on: 'manifest', times: 2, status: 429, headers: {'retry-after': '1'}}]);
      const {exitCode, stderr} = await winch.run(['pull', image]);
      assert.equal(exitCode, 0, stderr);
      const lines = stderr.split('\n').filter((line) => line.includes('pause'));
      assert.deepEqual(lines.length, 1, stderr);
      assert.match(
        lines[0] ?? '',
        /^127\.0\.0\.1:\d+ asks for a pause of [\d.]+s \(.+\): waiting, now and whenever it asks again$/,
      );
    }));

  test('JSON lines tell rate and rest of each blob, and of all', () =>
    withStage({}, async ({registry, winch, image}) => {
      registry.setFaults([{on: 'blob', slow: {bytes: 30_000, pauseMs: 150}}]);
      const {stderr} = await winch.run(['pull', '--progress', 'json', image]);
      const lines = stderr
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      const chunks = lines.filter(({type}) => type === 'blob:received');
      assert.ok(chunks.some(({rate, etaSeconds}) => rate > 0 && etaSeconds > 0));
      const total = lines.find(({type}) => type === 'progress:total');
      assert.ok(total && total.rate > 0 && total.receivedBytes < total.totalBytes, JSON.stringify(total));
    }));
});
