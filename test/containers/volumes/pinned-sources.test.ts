import {existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {busyboxImage} from '../../../fixtures/busybox-image.ts';
import {startRegistry} from '../../../fixtures/registry-server.ts';
import {openTestStore, type TestStore} from '../../helpers/open-store.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {findProgram, missingFor} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';

const skip = missingFor('runc', 'busybox');

describe('containers/volumes/pinned-sources', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip, timeoutMs: 120_000});
  let opened: TestStore | undefined;
  let host = '';
  const at = (name: string) => join(host, name);

  before(async () => {
    if (skip !== undefined) return;
    host = realpathSync(mkdtempSync(join(tmpdir(), 'winch-pinned-')));
    opened = await openTestStore();
    await using registry = await startRegistry();
    registry.put('busybox', 'latest', busyboxImage());
    await opened.toolkit.images.pull(`${registry.host}/busybox`, {platform: 'linux/amd64'});
    await opened.toolkit.images.tag(`${registry.host}/busybox`, 'busybox');
  });
  after(async () => {
    if (host !== '') rmSync(host, {recursive: true});
    await opened?.[Symbol.asyncDispose]();
  });

  const run = async (source: string, more: {readonly runtime?: string; readonly createSource?: boolean} = {}) => {
    const {runtime, createSource = false} = more;
    const mounts = [{type: 'bind', source, target: '/v', readOnly: false, createSource}] as const;
    const container = {command: ['sh', '-c', 'cat /v/file; echo written > /v/new'], mounts};
    const {containers} = opened?.toolkit ?? fail();
    await using child = await containers.spawn({image: 'busybox', policy: 'never', container, runtime});
    const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
    const {exitCode} = await child.finished;
    return {exitCode, stdout: await stdout, stderr: await stderr};
  };

  test('U08 a source that is exchanged for a link when the runtime begins is still the one that is mounted', async () => {
    for (const name of ['source', 'canary']) {
      mkdirSync(at(name));
      writeFileSync(at(`${name}/file`), `of the ${name}`);
    }
    const swap = `mv ${at('source')} ${at('moved')} && ln -s ${at('canary')} ${at('source')}`;
    const runtime = at('runtime');
    const script = `#!/bin/sh\ncase " $* " in *" run "*) ${swap};; esac\nexec ${findProgram('runc')} "$@"\n`;
    writeFileSync(runtime, script, {mode: 0o755});
    assert.equal(await run(at('source'), {runtime}), {exitCode: 0, stdout: 'of the source', stderr: ''});
    assert.equal([existsSync(at('moved/new')), existsSync(at('canary/new'))], [true, false]);
  });

  test('U08 a source that is missing is refused, or made where that is asked', async () => {
    assert.is((await rejectionOf(run(at('missing')))).code, 'MOUNT_SOURCE_MISSING');
    assert.not.ok(existsSync(at('missing')));
    await run(at('made/deep'), {createSource: true});
    assert.ok(existsSync(at('made/deep/new')));
  });

  test('U08 a path with colons and blanks, and one through links of the kernel, are paths as others', async () => {
    const odd = at('a b:c,d');
    mkdirSync(odd);
    writeFileSync(join(odd, 'file'), 'odd');
    for (const source of [odd, `/proc/self/root${odd}`]) assert.is((await run(source)).stdout, 'odd');
  });
});

const fail = (): never => {
  throw new Error('the store was not opened');
};
