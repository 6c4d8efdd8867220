import * as assert from 'uvu/assert';
import {resolveInRoot} from '../../src/host/root-path.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {describe} from '../helpers/suite.ts';
import {makeRootfs} from './rootfs-fixture.ts';

describe('host/root-path', ({test, before, after}) => {
  const syscalls = loadSyscalls();
  const image = makeRootfs();
  const resolve = (path: string) => resolveInRoot(syscalls, image.rootFd, path);

  before(() => {
    image.write('usr/bin/tool', '');
    image.link('bin', 'usr/bin');
    image.link('abs', '/bin/tool');
    image.link('up', '../../../bin');
    image.link('trap', '/proc/self/fd/7');
    image.link('a', 'b');
    image.link('b', 'a');
    image.link('dangling', '/new/place');
  });
  after(() => image.remove());

  test('follows symlinks as if the rootfs were everything', () => {
    assert.is(resolve('/bin/tool'), '/usr/bin/tool');
    assert.is(resolve('/abs'), '/usr/bin/tool');
    assert.is(resolve('/up/tool'), '/usr/bin/tool');
    assert.is(resolve('/../../bin/./..//bin'), '/usr/bin');
  });

  test('goes up from where a symlink leads, not from where it stands', () => {
    assert.is(resolve('/bin/../lib'), '/usr/lib');
  });

  test('keeps components that are not there', () => {
    assert.is(resolve('/dangling/x'), '/new/place/x');
    assert.is(resolve('/usr/bin/tool/x'), '/usr/bin/tool/x');
    assert.is(resolve('/trap/x'), '/proc/self/fd/7/x');
    assert.is(resolve(`/usr/${'x'.repeat(300)}`), `/usr/${'x'.repeat(300)}`);
  });

  test('gives up on a loop', () => assert.is(resolve('/a/x'), null));
});
