import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {busyboxImage} from '../../../fixtures/busybox-image.ts';
import {startRegistry} from '../../../fixtures/registry-server.ts';
import type {ImageToRun} from '../../../src/containers/image-to-run.ts';
import type {WinchEvent} from '../../../src/events.ts';
import {openTestStore, type TestStore} from '../../helpers/open-store.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';

const skip = missingFor('runc', 'busybox');

describe('containers/files/run-copies', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 120_000});
  let opened: TestStore | undefined;
  let host = '';
  const at = (name: string) => join(host, name);

  before(async () => {
    if (skip !== undefined) return;
    host = mkdtempSync(join(tmpdir(), 'winch-copies-'));
    opened = await openTestStore();
    await using registry = await startRegistry();
    registry.put('busybox', 'latest', busyboxImage());
    await opened.toolkit.images.pull(`${registry.host}/busybox`, {platform: 'linux/amd64'});
    await opened.toolkit.images.tag(`${registry.host}/busybox`, 'busybox');
    mkdirSync(at('site/sub'), {recursive: true});
    writeFileSync(at('site/script'), '#!/bin/sh\nmkdir -p out/deep; cat input > out/deep/result; exit $1\n', {
      mode: 0o755,
    });
    writeFileSync(at('site/input'), 'from the host\n', {mode: 0o600});
    symlinkSync('/etc/shadow', at('site/link'));
  });
  after(async () => {
    if (host !== '') rmSync(host, {recursive: true});
    await opened?.[Symbol.asyncDispose]();
  });

  const run = async (command: readonly string[], request: Partial<ImageToRun>, mounts: readonly object[] = []) => {
    const events: WinchEvent[] = [];
    const container = {command, workingDirectory: '/work', mounts: mounts as never};
    const whole = {image: 'busybox', policy: 'never', container, ...request} as const;
    const {containers} = opened?.toolkit ?? fail();
    await using child = await containers.spawn(whole, {onEvent: (event) => void events.push(event)});
    const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
    const {exitCode} = await child.finished;
    const warnings = events.flatMap((event) => (event.type === 'warning:raised' ? [event.code] : []));
    return {exitCode, stdout: await stdout, stderr: await stderr, warnings};
  };
  const input = () => [{source: `${host}/site/.`, directory: '/work'}];

  test('files are there when the command starts, and artifacts come out when it has ended', async () => {
    const copyOut = [
      {path: '/work/out', destination: at('first')},
      {path: '/work/out/.', destination: host},
    ];
    const {exitCode, stderr} = await run(['/work/script', '0'], {copyIn: input(), copyOut});
    assert.equal([exitCode, stderr], [0, '']);
    assert.is(readFileSync(at('first/deep/result'), 'utf8'), 'from the host\n');
    assert.equal(readdirSync(at('deep')), ['result']);
    assert.is(statSync(at('deep/result')).uid, process.geteuid?.());
    const listed = await run(['sh', '-c', 'stat -c "%u %a" input; readlink link; ls'], {copyIn: input()});
    assert.is(listed.stdout, '0 600\n/etc/shadow\ninput\nlink\nscript\nsub\n');
    assert.equal(readdirSync(join(opened?.root ?? '', 'ingest')), []);
  });

  test('a directory goes below one that is there and becomes one that is not, a file into it either way', async () => {
    const copyIn = [
      {source: at('site/sub'), directory: '/bin'},
      {source: at('site'), directory: '/new/place'},
      {source: at('site'), directory: '/new/place'},
      {source: at('site/input'), directory: '/single'},
    ];
    const {stdout} = await run(['ls', '-d', '/bin/sub', '/new/place/sub', '/new/place/site/sub', '/single/input'], {
      copyIn,
    });
    assert.is(stdout, '/bin/sub\n/new/place/site/sub\n/new/place/sub\n/single/input\n');
  });

  test('artifacts come out as well when the command failed, whose exit code stays', async () => {
    const copyOut = [
      {path: '/work/missing', destination: at('missing')},
      {path: '/work/out', destination: at('failed')},
    ];
    const {exitCode, warnings} = await run(['/work/script', '7'], {copyIn: input(), copyOut});
    assert.equal([exitCode, warnings], [7, ['PATH_UNKNOWN']]);
    assert.ok(existsSync(at('failed/deep/result')));
  });

  test('what is missing after a command that succeeded is an error', async () => {
    const copyOut = [{path: '/work/missing', destination: at('missing')}];
    assert.is((await rejectionOf(run(['true'], {copyIn: input(), copyOut}))).code, 'PATH_UNKNOWN');
    const missing = [{source: at('nothing'), directory: '/work'}];
    assert.is((await rejectionOf(run(['true'], {copyIn: missing}))).code, 'SOURCE_MISSING');
  });

  test('links of the container lead within it', async () => {
    mkdirSync(at('canary'));
    writeFileSync(at('canary/secret'), 'secret');
    const script = `ln -s ${host}/canary /work/absolute; ln -s ../../../../..${host}/canary /work/climbing`;
    for (const path of ['/work/absolute/secret', '/work/climbing/secret']) {
      const copyOut = [{path, destination: at('stolen')}];
      assert.is((await rejectionOf(run(['sh', '-c', script], {copyOut}))).code, 'PATH_UNKNOWN');
    }
    assert.not.ok(existsSync(at('stolen')));
  });

  test('nothing is copied to or from what is mounted', async () => {
    const mounts = [{type: 'tmpfs', target: '/work'}];
    const below = [{source: at('site'), directory: '/work/deep'}];
    assert.is((await rejectionOf(run(['true'], {copyIn: below}, mounts))).code, 'COPY_MOUNTED');
    const copyOut = [{path: '/work', destination: at('x')}];
    assert.is((await rejectionOf(run(['true'], {copyOut}, mounts))).code, 'COPY_MOUNTED');
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
