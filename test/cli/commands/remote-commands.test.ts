import * as assert from 'uvu/assert';
import {WinchError} from '../../../src/errors.ts';
import type {ListTagsOptions} from '../../../src/images/remote/list-tags.ts';
import type {Digest} from '../../../src/oci/digest.ts';
import type {Registries} from '../../../src/toolkit.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';

const digest: Digest = `sha256:${'1'.repeat(64)}`;
const HOSTILE = 'a\x1b]0;x\x07\u202e';
const SAFE = 'a\\x1b]0;x\\x07\\u{202e}';

const bytesOf = (text: string) => ({bytes: Buffer.from(text)});

describe('cli/commands on registries', ({test}) => {
  test('tags: passes on what flags say and prints one a line', async () => {
    const asked: unknown[] = [];
    const listTags = async (repository: string, {signal: _, onEvent: __, ...options}: ListTagsOptions = {}) => {
      asked.push(repository, JSON.parse(JSON.stringify(options)));
      return {repository, tags: ['1', '2']};
    };
    const line =
      '--filter 1* --include semver:2 --exclude x --sort semver -r --limit 3 --last 0 --omit-digest-tags app';
    const {code, stdout, stderr} = await runWinch(['tags', ...line.split(' ')], {registries: {listTags}});
    assert.equal([code, stdout, stderr], [0, '1\n2\n', '']);
    assert.equal(asked, [
      'app',
      {
        include: ['1*', 'semver:2'],
        exclude: ['x'],
        sort: 'semver',
        isReversed: true,
        last: '0',
        omitDigestTags: true,
        limit: 3,
      },
    ]);
  });

  test('tags: prints JSON and by template, and nothing for none', async () => {
    const registries = (tags: readonly string[]) => ({listTags: async (repository: string) => ({repository, tags})});
    const run = async (words: readonly string[], tags = ['1', '2']) =>
      (await runWinch(['tags', ...words], {registries: registries(tags)})).stdout;
    assert.equal(JSON.parse(await run(['-f', 'json', 'app'])), {repository: 'app', tags: ['1', '2']});
    assert.is(await run(['-f', '<{{.Tag}}>', 'app']), '<1>\n<2>\n');
    assert.is(await run(['app'], []), '');
  });

  test('tags: refuses a limit that is none before it asks', async () => {
    for (const limit of ['0', '-1', 'many']) {
      const {code, stderr, opened} = await runWinch(['tags', '--limit', limit, 'app']);
      assert.equal([code, opened.length], [2, 0]);
      assert.match(stderr, 'FLAG_INVALID: --limit');
    }
  });

  test('N01 tags and repositories are printed without what a terminal obeys', async () => {
    const registries: Partial<Registries> = {
      listTags: async (repository) => ({repository, tags: [HOSTILE]}),
      listRepositories: async (registry) => ({registry, repositories: [HOSTILE]}),
    };
    for (const words of [['tags'], ['catalog']]) {
      assert.is((await runWinch([...words, 'host.example'], {registries})).stdout, `${SAFE}\n`);
      const {stdout} = await runWinch([...words, '-f', 'json', 'host.example'], {registries});
      assert.not.match(stdout, /[\x1b\x07\u202e]/);
      assert.match(JSON.stringify(JSON.parse(stdout)), JSON.stringify(HOSTILE).slice(1, -1));
    }
  });

  test('catalog: lets --insecure speak of the registry and not of Docker Hub', async () => {
    const listRepositories = async (registry: string) => ({registry, repositories: ['a/b']});
    const words = ['catalog', '--insecure', '--filter', 'a/*', 'localhost:5000'];
    const {stdout, opened} = await runWinch(words, {registries: {listRepositories}});
    assert.is(stdout, 'a/b\n');
    assert.equal(opened[0]?.insecureRegistries, ['localhost:5000']);
  });

  test('digest: prints the digest, the full name, or everything', async () => {
    const resolveDigest: Registries['resolveDigest'] = async (reference) => ({
      reference,
      repository: 'docker.io/library/app',
      digest,
      mediaType: null,
      size: 3,
    });
    const run = async (...words: readonly string[]) =>
      (await runWinch(['digest', ...words, 'app:1'], {registries: {resolveDigest}})).stdout;
    assert.is(await run(), `${digest}\n`);
    assert.is(await run('--full-ref'), `docker.io/library/app@${digest}\n`);
    assert.is(await run('-f', '{{.size}}'), '3\n');
  });

  test('manifest get and config: print bytes as they are', async () => {
    const raw = '{"a":\t1}\r\n\x1b without an end';
    const document = {reference: 'app', digest, mediaType: 'a/b', ...bytesOf(raw)};
    const registries = {getManifest: async () => document, getConfig: async () => document};
    for (const words of [['manifest', 'get'], ['config'], ['remote', 'inspect', '--raw']]) {
      assert.is((await runWinch([...words, 'app'], {registries})).stdout, raw);
    }
    const terminal = {environment: {stdoutIsTerminal: () => true}, registries};
    assert.not.match((await runWinch(['manifest', 'get', 'app'], terminal)).stdout, '\x1b');
  });

  test('manifest put: reads standard input and prints the digest', async () => {
    const put: unknown[] = [];
    const putManifest: Registries['putManifest'] = async ({reference, bytes}, {mediaType} = {}) => {
      put.push(reference, Buffer.from(bytes).toString(), mediaType);
      return {reference, digest, mediaType: ''};
    };
    const environment = {readStandardInput: async () => Buffer.from('{}')};
    const words = ['manifest', 'put', '--media-type', 'a/b', 'app:1', '-'];
    const {code, stdout} = await runWinch(words, {registries: {putManifest}, environment});
    assert.equal([code, stdout], [0, `${digest}\n`]);
    assert.equal(put, ['app:1', '{}', 'a/b']);
    await runWinch(['manifest', 'put', 'app:1', '/dev/zero'], {registries: {putManifest}});
    assert.is(String(put.at(-2)).length, 4 * 1024 * 1024 + 1);
    const missing = await runWinch(['manifest', 'put', 'app:1', '/nowhere/at all']);
    assert.is(missing.code, 2);
    assert.match(missing.stderr, 'INPUT_UNREADABLE');
  });

  test('manifest delete: prints what is gone', async () => {
    const deleteManifest: Registries['deleteManifest'] = async (reference, {tagOnly} = {}) => ({
      reference,
      digest: tagOnly ? null : digest,
    });
    const run = async (...words: readonly string[]) =>
      (await runWinch(['manifest', 'delete', ...words, 'app:1'], {registries: {deleteManifest}})).stdout;
    assert.is(await run(), `${digest}\n`);
    assert.is(await run('--tag-only'), 'app:1\n');
  });

  test('blob get: exits 3 for wrong bytes and ends the download', async () => {
    let closed = 0;
    const openBlob: Registries['openBlob'] = async () => ({
      repository: 'app',
      digest,
      size: 2,
      content: (async function* () {
        yield Buffer.from('ab');
        throw new WinchError('DIGEST_MISMATCH', 'wrong', {kind: 'refused'});
      })(),
      close: () => void closed++,
    });
    const {code, stdout, stderr} = await runWinch(['blob', 'get', `app@${digest}`], {registries: {openBlob}});
    assert.equal([code, stdout, closed], [3, 'ab', 1]);
    assert.match(stderr, 'winch: DIGEST_MISMATCH: wrong');
  });

  test('blob head and ratelimit: print one line, or a field of it', async () => {
    const rateLimit = {limit: 100, remaining: 76, windowSeconds: 21_600, source: HOSTILE};
    const registries: Partial<Registries> = {
      headBlob: async () => ({repository: 'app', digest, size: 1234}),
      rateLimit: async () => ({registry: 'docker.io', repository: 'x', rateLimit}),
    };
    const run = async (...words: readonly string[]) => (await runWinch(words, {registries})).stdout;
    assert.match(await run('blob', 'head', `app@${digest}`), new RegExp(`${digest} +1.23kB +1234\n`));
    assert.is(await run('blob', 'head', '-f', '{{.Bytes}}', `app@${digest}`), '1234\n');
    const table = await run('ratelimit');
    assert.match(table, /^REGISTRY +LIMIT +REMAINING +WINDOW +COUNTED FOR\ndocker.io +100 +76 +6h +a/);
    assert.ok(table.includes(SAFE));
    assert.is(await run('ratelimit', '-f', '{{.Remaining}}/{{.Limit}}', 'app'), '76/100\n');
    registries.rateLimit = async () => ({registry: 'r.example', repository: 'x', rateLimit: null});
    assert.match(await run('ratelimit', 'r.example/x'), /r\.example +none +N\/A/);
  });

  test('referrers: says with --debug where the list comes from', async () => {
    const listReferrers: Registries['listReferrers'] = async (reference) => ({
      reference,
      subject: digest,
      source: 'tag',
      referrers: [],
    });
    const registries = {listReferrers};
    assert.match((await runWinch(['referrers', '--debug', 'app'], {registries})).stderr, "the subject's tag");
    assert.is((await runWinch(['referrers', 'app'], {registries})).stderr, '');
  });

  test('remote inspect: refuses flags that print different things', async () => {
    for (const flags of ['--raw --tags', '--config -f json', '--platform linux/arm64 --all-platforms']) {
      const {code, stderr} = await runWinch(['remote', 'inspect', ...flags.split(' '), 'app']);
      assert.is(code, 2, flags);
      assert.match(stderr, 'FLAGS_CONFLICT');
    }
  });

  test('remote inspect --config: prints JSON that is safe to read', async () => {
    const getConfig = async () => ({reference: 'app', digest, mediaType: 'a/b', ...bytesOf('{"a":"\u202e"}')});
    const {stdout} = await runWinch(['remote', 'inspect', '--config', 'app'], {registries: {getConfig}});
    assert.is(stdout, '{\n  "a": "\\u202e"\n}\n');
  });
});
