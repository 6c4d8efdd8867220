import {spawnSync} from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {mountBindSources} from '../../src/bundle/bind-sources.ts';
import type {MountRequest} from '../../src/bundle/container-options.ts';
import {detachBelow} from '../../src/host/detach-below.ts';
import {inPrivateMountNamespace} from '../../src/host/mounts.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {codeOf} from '../helpers/code-of.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';

const NOWHERE = Object.freeze({directory: '/nowhere', namespaceFd: null});

const skip = missingFor('unshare');

describe('bundle/bind-sources', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});
  let directory = '';
  before(() => {
    directory = realpathSync(mkdtempSync(join(tmpdir(), 'winch-sources-')));
    writeFileSync(join(directory, 'file'), 'content');
    mkdirSync(join(directory, 'real'));
    writeFileSync(join(directory, 'real/here'), '');
    symlinkSync('real', join(directory, 'link'));
  });
  after(() => rmSync(directory, {recursive: true}));

  const bundles = {count: 0};
  /** Calls with what was mounted, in a mount namespace of its own. */
  const mounted = <T>(
    requests: readonly MountRequest[],
    look: (sources: readonly string[], bundle: string) => T,
  ): T => {
    const bundle = join(directory, `bundle-${bundles.count++}`);
    const syscalls = loadSyscalls();
    return inPrivateMountNamespace(syscalls, () => {
      const {mounts = []} = mountBindSources(syscalls, {mounts: requests}, {directory: bundle, namespaceFd: null});
      return look(
        mounts.flatMap((mount) => (mount.type === 'bind' ? [mount.source] : [])),
        bundle,
      );
    });
  };
  const bind = (name: string, more: {createSource?: boolean; subpath?: string} = {}): MountRequest => ({
    ...{type: 'bind', source: join(directory, name), target: '/x', readOnly: false, createSource: false},
    ...more,
  });

  test('mounts files and directories, through symlinks, where nobody else sees them', () => {
    const sources = mounted([bind('link'), {type: 'tmpfs', target: '/t'}, bind('link/../file')], (paths) => {
      const [first = '', second = ''] = paths;
      assert.equal([readdirSync(first), readFileSync(second, 'utf8')], [['here'], 'content']);
      return paths;
    });
    assert.equal(sources.map(existsSync), [false, false]);
  });

  test('U08 what takes the place of a source once it was opened is not mounted', () => {
    mkdirSync(join(directory, 'swapped'));
    mkdirSync(join(directory, 'canary'));
    mounted([bind('swapped')], ([source = '']) => {
      const {ino} = statSync(source);
      renameSync(join(directory, 'swapped'), join(directory, 'moved'));
      symlinkSync('canary', join(directory, 'swapped'));
      assert.equal([statSync(source).ino, statSync(join(directory, 'moved')).ino], [ino, ino]);
    });
  });

  test('U08 a part of a source lies within it, whatever its links say', () => {
    mkdirSync(join(directory, 'tree/real/inside'), {recursive: true});
    symlinkSync('/real', join(directory, 'tree/absolute'));
    symlinkSync('../../real', join(directory, 'tree/climbing'));
    for (const subpath of ['absolute', 'climbing', '../../real']) {
      assert.equal(
        mounted([bind('tree', {subpath})], ([source = '']) => readdirSync(source)),
        ['inside'],
      );
    }
  });

  test('makes a missing directory only where that is asked', () => {
    const attempt = (createSource: boolean) =>
      mounted([bind('new/deep', {createSource})], ([source = '']) => readdirSync(source));
    assert.is(
      codeOf(() => attempt(false)),
      'MOUNT_SOURCE_MISSING',
    );
    assert.equal(attempt(true), []);
    assert.ok(statSync(join(directory, 'new/deep')).isDirectory());
  });

  test('U08 a FIFO is mounted and not waited for', () => {
    spawnSync('mkfifo', [join(directory, 'fifo')]);
    assert.ok(mounted([bind('fifo')], ([source = '']) => statSync(source).isFIFO()));
  });

  test('refuses a source below a file', () => {
    assert.is(
      codeOf(() => mounted([bind('file/x', {createSource: true})], () => null)),
      'MOUNT_SOURCE_MISSING',
    );
  });

  test('is detached again by its directory, under another name of it as well, before that is removed', () => {
    chmodSync(directory, 0o700);
    symlinkSync(directory, join(directory, 'alias'));
    mounted([bind('real')], (_, bundle) => {
      detachBelow(bundle.replace(directory, join(directory, 'alias')));
      rmSync(bundle, {recursive: true});
      assert.ok(existsSync(join(directory, 'real/here')));
    });
  });

  test('leaves other options and mounts as they are', () => {
    const options = {hostname: 'box', mounts: [{type: 'tmpfs', target: '/t'}]} as const;
    assert.equal(mountBindSources(loadSyscalls(), options, NOWHERE), options);
    assert.equal(mountBindSources(loadSyscalls(), {}, NOWHERE), {});
  });
});
