import * as assert from 'uvu/assert';
import type {MountRequest} from '../../src/bundle/container-options.ts';
import {convertMountRequest} from '../../src/bundle/mount-request.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

type Bind = Extract<MountRequest, {type: 'bind'}>;
const bind = (changes: Partial<Bind> = {}): MountRequest => ({
  type: 'bind',
  source: '/srv',
  target: '/data',
  readOnly: false,
  createSource: false,
  ...changes,
});
const optionsOf = (request: MountRequest, canLock = true) => convertMountRequest(request, canLock).options;

describe('bundle/mount-request', ({test}) => {
  for (const target of ['', 'data', '/', '//', '/a/../b', '/..', '/a\0b', '/./']) {
    test(`refuses the target ${JSON.stringify(target)}`, () => {
      for (const request of [bind({target}), {type: 'tmpfs', target} as const]) {
        assert.is(
          codeOf(() => convertMountRequest(request, true)),
          'MOUNT_INVALID',
        );
      }
    });
  }

  test('refuses a source that is not absolute', () => {
    for (const source of ['srv', './srv', '', '/s\0']) {
      assert.is(
        codeOf(() => optionsOf(bind({source}))),
        'MOUNT_INVALID',
      );
    }
  });

  test('binds the whole tree privately, and locks it wholly where the kernel can', () => {
    assert.equal(optionsOf(bind()), ['rbind', 'rprivate']);
    assert.equal(optionsOf(bind({readOnly: true})), ['rbind', 'rro', 'rprivate']);
    assert.equal(optionsOf(bind({readOnly: true}), false), ['rbind', 'ro', 'rprivate']);
    assert.equal(optionsOf(bind({readOnly: true, recursive: false, propagation: 'rslave'})), ['bind', 'ro', 'rslave']);
  });

  test('normalises the target but not the source', () => {
    const {destination, source} = convertMountRequest(bind({target: '/a//b/./', source: '/srv//x'}), true);
    assert.equal([destination, source], ['/a/b', '/srv//x']);
  });

  test('gives a tmpfs docker’s defaults, over which its options win', () => {
    assert.equal(optionsOf({type: 'tmpfs', target: '/t'}), ['noexec', 'nosuid', 'nodev']);
    const asked = {type: 'tmpfs', target: '/t', sizeBytes: 4096, mode: 0o700, readOnly: true} as const;
    assert.equal(optionsOf({...asked, options: ['exec', 'size=10%', 'dev', 'rw', 'uid=5']}), [
      'nosuid',
      'mode=700',
      'size=10%',
      'exec',
      'dev',
      'rw',
      'uid=5',
    ]);
  });

  test('refuses options that tmpfs does not take', () => {
    for (const option of ['bind', 'size=1,exec', 'size=', 'remount', 'huge', 'constructor', '']) {
      assert.is(
        codeOf(() => optionsOf({type: 'tmpfs', target: '/t', options: [option]})),
        'MOUNT_INVALID',
        option,
      );
    }
  });
});
