import * as assert from 'node:assert/strict';
import {createHash} from 'node:crypto';
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buildImage, buildIndex} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {
  type Fault,
  type RegistryServer,
  type RegistryServerOptions,
  startRegistry,
} from '../../fixtures/registry-server.ts';
import {openMountNamespace} from '../helpers/mount-namespace.ts';
import {findProgram, missingFor} from '../helpers/requires.ts';
import {runProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch, type WinchExit} from '../helpers/winch.ts';

const skip = missingFor('runc', 'busybox');
const skipDisks = skip ?? missingFor('unshare', 'nsenter');

const LARGE_LAYER_BYTES = 30_000_000;
/** Room for the first image, not for the blob and the layer file of the large one. */
const SMALL_DISK = 'size=36m';
const SMALLER_DISK = 'size=24m';

const OLD_IMAGE = skip === undefined ? busyboxImage() : buildImage({layers: []});
const BROKEN_IMAGE = buildImage({layers: [buildTar([{path: 'file', content: 'x'.repeat(5000)}])], compression: 'none'});
const IGNORED = new RegExp(`\\.lock$|^winch\\.db-|^blob-|^${BROKEN_IMAGE.config.digest.replace('sha256:', '')}$`);
const [BROKEN_LAYER = ''] = BROKEN_IMAGE.layers.map(({digest}) => digest);
/** What would colour, retitle and reorder a terminal. */
const ESCAPES = '\u001b[31mred\u001b]0;title\u0007\u202e\r\n';

interface Refusal {
  readonly title: string;
  readonly faults: readonly Fault[];
  readonly code: string;
  readonly exitCode: number;
  readonly says?: RegExp;
}

const onLayer = {on: 'blob', matching: BROKEN_LAYER} as const;
const REFUSALS: readonly Refusal[] = [
  {title: 'a layer with another digest', faults: [{...onLayer, flipByteAt: 700}], code: 'DIGEST_MISMATCH', exitCode: 3},
  {
    title: 'a layer that is shorter than stated',
    faults: [{...onLayer, body: 'short'}],
    code: 'SIZE_MISMATCH',
    exitCode: 3,
  },
  {
    title: 'a layer that breaks off',
    faults: [{...onLayer, truncateAt: 600}],
    code: 'REGISTRY_UNAVAILABLE',
    exitCode: 4,
  },
  {title: 'a layer that is missing', faults: [{...onLayer, status: 404, body: ''}], code: 'BLOB_UNKNOWN', exitCode: 4},
  {
    title: 'a manifest that is no JSON',
    faults: [{on: 'manifest', body: ESCAPES}],
    code: 'MANIFEST_INVALID',
    exitCode: 3,
  },
  {
    title: 'a manifest of another kind',
    faults: [{on: 'manifest', body: '{"schemaVersion": 1, "mediaType": "text/plain"}'}],
    code: 'MANIFEST_UNSUPPORTED',
    exitCode: 3,
  },
  {
    title: "the registry's own words",
    faults: [{on: 'manifest', status: 403, body: JSON.stringify({errors: [{code: 'DENIED', message: ESCAPES}]})}],
    code: 'AUTH_DENIED',
    exitCode: 5,
    says: /\\x1b\[31mred/,
  },
  {
    title: 'a registry that limits requests',
    faults: [{on: 'manifest', status: 429, headers: {'retry-after': '30'}, body: ''}],
    code: 'RATE_LIMITED',
    exitCode: 4,
    says: /30 s/,
  },
];

describe('e2e/failures', ({test, before, after}) => {
  let lab: {readonly winch: Winch; readonly registry: RegistryServer} | undefined;
  const open = () => lab ?? assert.fail('the first image was not pulled');
  const old = () => `${open().registry.host}/old:1`;
  const run = (words: readonly string[], within: readonly string[] = []) => open().winch.run(words, {within});

  before(async () => {
    lab = {winch: makeWinch(), registry: await startRegistry()};
    lab.registry.put('old', '1', OLD_IMAGE);
    lab.registry.put('app', '1.20', BROKEN_IMAGE);
    const {exitCode, stderr} = await run(['pull', old()]);
    assert.equal(exitCode, 0, stderr);
    // Some drivers extract what is run for the first time, and say so.
    if (skip === undefined) await run(['run', '--network', 'none', old(), 'true']);
  });
  after(async () => {
    await lab?.registry.close();
    lab?.winch[Symbol.dispose]();
  });

  /** The first image, which no failure may touch, runs and is listed. */
  const requireUntouched = async (within: readonly string[] = []) => {
    const listed = await run(['images', '--format', '{{.Repository}}:{{.Tag}}'], within);
    assert.deepEqual([listed.stdout, listed.stderr], [`${old()}\n`, '']);
    if (skip !== undefined) return;
    const {exitCode, stdout, stderr} = await run(['run', '--network', 'none', old(), 'echo', 'still here'], within);
    assert.deepEqual([exitCode, stdout, stderr], [0, 'still here\n', '']);
  };
  const pullFails = async (reference: string, expected: Expected, words: readonly string[] = []) => {
    const before = listStore(open().winch.root);
    requireFailure(await run(['pull', ...words, reference]), expected);
    assert.deepEqual(listStore(open().winch.root), before);
  };

  for (const {title, faults, ...expected} of REFUSALS) {
    test(`refuses ${title} in one line and leaves the store as it was`, async () => {
      // One that asks for a pause is left alone by everybody for that long.
      await using registry = await startRegistry({faults});
      registry.put('app', '1.20', BROKEN_IMAGE);
      await pullFails(`${registry.host}/app:1.20`, expected, ['--retry-for', '0']);
      await requireUntouched();
    });
  }

  test('names the tags near an unknown one', async () => {
    const expected = {code: 'MANIFEST_UNKNOWN', exitCode: 4, says: /1\.20/};
    await pullFails(`${open().registry.host}/app:1.2`, expected);
    await pullFails(`${open().registry.host}/none:1`, {code: 'NAME_UNKNOWN', exitCode: 4});
  });

  test('lists the platforms on offer', async () => {
    const platform = {os: 'linux', architecture: 'arm64', variant: 'v8'};
    open().registry.put('multi', '1', buildIndex([OLD_IMAGE, buildImage({layers: [], platform})]));
    const expected = {code: 'PLATFORM_MISSING', exitCode: 4, says: /linux\/amd64, linux\/arm64/};
    await pullFails(`${open().registry.host}/multi:1`, expected, ['--platform', 'linux/s390x']);
  });

  test('tells of hosts that do not exist and ports where nobody listens', async () => {
    await pullFails('no-such-host.invalid/app:1', {code: 'REGISTRY_UNREACHABLE', exitCode: 4, says: /no-such-host/});
    await pullFails('127.0.0.1:1/app:1', {code: 'REGISTRY_UNREACHABLE', exitCode: 4, says: /refused/});
  });

  for (const challenge of ['basic', 'bearer'] as const) {
    test(`tells a missing login from a refused one (${challenge}) and shows no password`, async () => {
      await using registry = await startLoginRegistry({challenge, users: {alice: 'right'}});
      const reference = `${registry.host}/app:1`;
      await pullFails(reference, {code: 'AUTH_REQUIRED', exitCode: 5});
      logIn(open().winch, registry.host, 'alice:wr0ng-passw0rd');
      await pullFails(reference, {code: 'AUTH_DENIED', exitCode: 5, hides: /wr0ng|d3IwbmctcGFzc3cwcmQ/});
      logIn(open().winch, registry.host, 'alice:right');
      assert.equal((await run(['pull', reference])).exitCode, 0);
      assert.equal((await run(['rmi', reference])).exitCode, 0);
      await requireUntouched();
    });
  }

  test('says how to install a runtime that is missing', async () => {
    for (const runtime of ['/nowhere', 'no-such-runtime', '/etc/passwd', './runc']) {
      const failed = await run(['run', '--runtime', runtime, old(), 'true']);
      requireFailure(failed, {code: 'RUNTIME_NOT_FOUND', exitCode: 125, says: /apt-get install runc/});
    }
  });

  test(
    'finds runc whatever PATH says',
    async () => {
      for (const PATH of ['', '/nowhere']) {
        const {exitCode, stderr} = await open().winch.run(['run', old(), 'true'], {env: {PATH}});
        assert.deepEqual([exitCode, stderr], [0, '']);
      }
    },
    {skip},
  );

  test(
    'tells a command that is missing from one that cannot be executed',
    async () => {
      const missing = await run(['run', old(), 'no-such-command']);
      requireFailure(missing, {code: 'COMMAND_NOT_FOUND', exitCode: 127});
      const unfit = await run(['run', old(), '/etc/passwd']);
      requireFailure(unfit, {code: 'COMMAND_NOT_EXECUTABLE', exitCode: 126});
    },
    {skip},
  );

  test('stops before it uses a damaged database, and harms nothing else', async () => {
    using winch = makeWinch();
    const reference = old();
    assert.equal((await winch.run(['pull', reference])).exitCode, 0);
    const database = join(winch.root, 'winch.db');
    writeFileSync(database, Buffer.alloc(readFileSync(database).length, 'garbage'));
    const before = listStore(winch.root);
    for (const words of [['images'], ['pull', reference], ['rmi', reference]]) {
      requireFailure(await winch.run(words), {code: 'STORE_CORRUPT', exitCode: 6, says: /winch\.db/});
    }
    requireFailure(await winch.run(['run', reference, 'true']), {code: 'STORE_CORRUPT', exitCode: 125});
    assert.deepEqual(listStore(winch.root), before);
  });

  for (const [title, size] of [
    ['when a layer cannot fit', SMALLER_DISK],
    ['when the space ends in the middle of a layer', SMALL_DISK],
  ] as const) {
    test(
      `leaves the store as it was on a full disk, ${title}`,
      async () => {
        const content = createHash('shake256', {outputLength: LARGE_LAYER_BYTES}).digest();
        const layers = [buildTar([{path: 'large', content}])];
        const large = busyboxImage({layers, compression: ['gzip', 'none']});
        open().registry.put('large', '1', large);
        const {root} = open().winch;
        const copy = 'cp -a "$1" "$2"; mount -t tmpfs -o "$3" none "$1"; cp -a "$2/." "$1/"; rm -r "$2"';
        await using disk = await openMountNamespace(copy, root, `${root}.copy`, size);
        const ignored = ['*.lock', 'winch.db-*', large.config.digest.replace('sha256:', '')];
        const find = ['find', root, '-type', 'f', ...ignored.flatMap((name) => ['-not', '-name', name])];
        const list = async () => (await runIn(disk.within, [...find, '-printf', '%P %s\n'])).split('\n').toSorted();
        const before = await list();
        const failed = await run(['pull', `${open().registry.host}/large:1`], disk.within);
        requireFailure(failed, {code: 'STORE_FULL', exitCode: 6});
        assert.deepEqual(await list(), before);
        await requireUntouched(disk.within);
        await runIn(disk.within, ['sh', '-c', 'dd if=/dev/zero of="$1/filler" bs=64k 2>/dev/null || :', 'sh', root]);
        await requireUntouched(disk.within);
      },
      {skip: skipDisks},
    );
  }

  test(
    'runs and lists what a read-only store has, and says that it can take no more',
    async () => {
      const script = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"';
      await using disk = await openMountNamespace(script, open().winch.root);
      const before = listStore(open().winch.root);
      const failed = await run(['pull', `${open().registry.host}/app:1.20`], disk.within);
      requireFailure(failed, {code: 'STORE_READ_ONLY', exitCode: 6});
      requireFailure(await run(['rmi', old()], disk.within), {code: 'STORE_READ_ONLY', exitCode: 6});
      await requireUntouched(disk.within);
      const written = await run(['run', old(), 'sh', '-c', 'echo kept > /file && cat /file'], disk.within);
      assert.deepEqual([written.exitCode, written.stdout], [0, 'kept\n'], written.stderr);
      assert.deepEqual(listStore(open().winch.root), before);
    },
    {skip: skipDisks},
  );

  test('tells a command line that cannot be understood, and what may be meant', async () => {
    requireFailure(await run(['pul', 'alpine']), {code: 'COMMAND_UNKNOWN', exitCode: 2, says: /winch pull/});
    requireFailure(await run(['pull', '--platfrom', 'x', 'a']), {
      code: 'FLAG_UNKNOWN',
      exitCode: 2,
      says: /--platform/,
    });
    requireFailure(await run(['pull', 'Alpine']), {code: 'REFERENCE_INVALID', exitCode: 2});
  });

  test('leaves no directory that a container wrote to', () => {
    const files = readdirSync(join(open().winch.root, 'containers'), {recursive: true}).map(String);
    assert.deepEqual(
      files.filter((path) => path !== '.locks'),
      [],
    );
  });
});

interface Expected {
  readonly code: string;
  readonly exitCode: number;
  readonly says?: RegExp;
  readonly hides?: RegExp;
}

/** One error of at most two lines with this code: no stack, no control characters, nothing on standard output. */
function requireFailure({exitCode, stdout, stderr}: WinchExit, expected: Expected): void {
  const lines = stderr.trimEnd().split('\n');
  const at = lines.findIndex((line) => line.startsWith('winch: '));
  const report = lines.slice(at);
  assert.match(report[0] ?? '', new RegExp(`^winch: ${expected.code}: .`), stderr);
  assert.ok(report.length <= 2, stderr);
  assert.doesNotMatch(stderr, /^\s+at /m);
  assert.doesNotMatch(stderr, /[\0-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  assert.equal(stdout, '');
  assert.equal(exitCode, expected.exitCode, stderr);
  if (expected.says) assert.match(report.join(' '), expected.says);
  if (expected.hides) assert.doesNotMatch(stderr, expected.hides);
}

/** Every file of the store with its size, but for locks and SQLite's scratch files. */
/** All but what stays for the next attempt: unfinished downloads, and the config. */
const listStore = (root: string): readonly string[] =>
  readdirSync(root, {recursive: true, withFileTypes: true})
    .filter((entry) => entry.isFile() && !IGNORED.test(entry.name))
    .map(({parentPath, name}) => `${join(parentPath, name)} ${readFileSync(join(parentPath, name)).length}`)
    .toSorted();

async function startLoginRegistry(options: RegistryServerOptions): Promise<RegistryServer> {
  const registry = await startRegistry(options);
  registry.put('app', '1', BROKEN_IMAGE);
  return registry;
}

const logIn = ({dockerDirectory}: Winch, host: string, login: string): void =>
  writeFileSync(
    join(dockerDirectory, 'config.json'),
    JSON.stringify({auths: {[host]: {auth: Buffer.from(login).toString('base64')}}}),
  );

async function runIn(within: readonly string[], words: readonly string[]): Promise<string> {
  const [program = '', ...rest] = [...within, ...words];
  const {exitCode, stdout, stderr} = await runProgram(findProgram(program) ?? program, rest);
  assert.equal(exitCode, 0, stderr);
  return stdout;
}
