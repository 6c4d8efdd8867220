import {spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {isWinchError} from '../../src/errors.ts';
import {enterPrivateMountNamespace, type MountStep, performMounts} from '../../src/host/mounts.ts';
import type {Syscalls} from '../../src/host/syscalls.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import type {MountsWork} from './mounts-program.ts';

const PROGRAM = fileURLToPath(new URL('mounts-program.ts', import.meta.url));
const skip = missingFor();

describe('host/mounts', ({test}) => {
  const perform = (work: MountsWork): unknown => {
    const {stdout, stderr} = spawnSync(process.execPath, [PROGRAM, JSON.stringify(work)], {encoding: 'utf8'});
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as unknown;
  };
  const mountTable = () => readFileSync('/proc/self/mountinfo', 'utf8');
  /** System calls that fail with an error code, or are counted. */
  const failingMount = (code: string): Syscalls => {
    const refuse = () => {
      throw Object.assign(new Error(code), {code});
    };
    return {mount: refuse, unshare: refuse, changeDirectory: () => {}} as unknown as Syscalls;
  };
  const codeOf = (work: () => void): string => {
    try {
      work();
    } catch (error) {
      if (isWinchError(error)) return error.code;
      throw error;
    }
    return 'done';
  };

  test(
    'mounts are seen by nobody else, and directories have their modes whatever the umask is',
    () => {
      using directory = makeTemporaryDirectory();
      const inside = join(directory.path, 'inside');
      const found = perform({
        steps: [
          {type: 'tmpfs', target: directory.path, options: 'mode=700'},
          {type: 'directory', path: inside, mode: 0o755},
          {type: 'directory', path: join(directory.path, 'secret'), mode: 0o700},
        ],
        write: join(inside, 'file'),
      });
      assert.equal(found, {mounted: 'done', written: 'done', modes: ['755', '700']});
      assert.equal(readdirSync(directory.path), []);
      // Other mounts of the machine come and go meanwhile.
      assert.not.ok(mountTable().includes(directory.path));
    },
    {skip},
  );

  test(
    'writes to an overlay go to its upper directory; without one there are none',
    () => {
      using directory = makeTemporaryDirectory();
      const at = (name: string) => join(directory.path, name);
      for (const name of ['a', 'b', 'upper', 'work', 'merged']) mkdirSync(at(name));
      writeFileSync(join(at('a'), 'below'), 'x');
      const overlay = {type: 'overlay', target: at('merged'), base: directory.path, lower: ['a', 'b']} as const;
      const write = join(at('merged'), 'below');
      const upper = {directory: 'upper', work: 'work', isLasting: false};
      assert.equal(perform({steps: [{...overlay, upper}], write}), {mounted: 'done', written: 'done', modes: []});
      assert.equal(readdirSync(at('upper')), ['below']);
      assert.equal(perform({steps: [{...overlay, upper: null}], write}), {
        mounted: 'done',
        written: 'EROFS',
        modes: [],
      });
    },
    {skip},
  );

  test(
    'a bind mount shows a directory at a second place',
    () => {
      using directory = makeTemporaryDirectory();
      const [source, target] = [join(directory.path, 'source'), join(directory.path, 'target')];
      for (const path of [source, target]) mkdirSync(path);
      perform({steps: [{type: 'bind', source, target}], write: join(target, 'file')});
      assert.ok(existsSync(join(source, 'file')));
      assert.not.ok(existsSync(join(target, 'file')));
    },
    {skip},
  );

  test(
    'a layer file that is missing or no file system is told apart from a mount that fails',
    () => {
      using directory = makeTemporaryDirectory();
      const source = join(directory.path, 'layer.erofs');
      const mounted = (step: MountStep) => perform({steps: [step], write: '/dev/null'}) as {readonly mounted: string};
      assert.is(mounted({type: 'erofs', source, target: directory.path}).mounted, 'STORE_CORRUPT');
      assert.is(mounted({type: 'bind', source, target: directory.path}).mounted, 'MOUNT_FAILED');
    },
    {skip},
  );

  test('says what an error code of the kernel means', () => {
    const erofs: MountStep = {type: 'erofs', source: '/layer', target: '/target'};
    const codes = {
      ENODEV: 'MOUNT_UNSUPPORTED',
      EINVAL: 'MOUNT_UNSUPPORTED',
      EUCLEAN: 'STORE_CORRUPT',
      EBUSY: 'MOUNT_FAILED',
    };
    for (const [errno, code] of Object.entries(codes)) {
      assert.is(
        codeOf(() => performMounts(failingMount(errno), [erofs])),
        code,
      );
    }
    assert.is(
      codeOf(() => enterPrivateMountNamespace(failingMount('EPERM'))),
      'NAMESPACE_DENIED',
    );
  });

  test('refuses more lower directories than the kernel stacks, or than fit into its options', () => {
    const names = (count: number, length: number) => Array.from({length: count}, () => 'x'.repeat(length));
    const overlay = (lower: readonly string[]): MountStep => ({
      type: 'overlay',
      target: '/t',
      base: '/b',
      lower,
      upper: null,
    });
    for (const lower of [names(501, 1), names(100, 50)]) {
      assert.is(
        codeOf(() => performMounts(failingMount('EINVAL'), [overlay(lower)])),
        'LIMIT_LAYERS',
      );
    }
    assert.is(
      codeOf(() => performMounts(failingMount('EINVAL'), [overlay(names(500, 2))])),
      'MOUNT_FAILED',
    );
  });

  test('a failed overlay leaves the working directory as after a good one', () => {
    const seen: string[] = [];
    const syscalls = {...failingMount('EINVAL'), changeDirectory: (path: string) => void seen.push(path)};
    codeOf(() => performMounts(syscalls, [{type: 'overlay', target: '/t', base: '/b', lower: ['0'], upper: null}]));
    assert.equal(seen, ['/b', '/']);
  });
});
