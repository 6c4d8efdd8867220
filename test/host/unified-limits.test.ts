import {mkdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import * as assert from 'uvu/assert';
import {readUnifiedLimits} from '../../src/host/unified-limits.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

/** Of the root of the tree on Linux 6.1 (Debian's user-mode-linux), where the first process is a shell and no systemd. */
const ROOT = {'cgroup.controllers': 'cpu io memory pids\n', 'cgroup.subtree_control': '\n', 'cgroup.procs': '1\n2\n'};
/** Of one below it. */
const BELOW = {...ROOT, 'cgroup.type': 'domain\n', 'memory.max': 'max\n', 'memory.swap.max': 'max\n'};
const ALL = ['cpu', 'io', 'memory', 'pids'];

describe('host/unified-limits', ({test}) => {
  const layOut = (files: Readonly<Record<string, string>>) => {
    const directory = makeTemporaryDirectory();
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(directory.path, name)), {recursive: true});
      writeFileSync(join(directory.path, name), text);
    }
    return directory;
  };
  const below = (name: string, files: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(files).map(([file, text]) => [`${name}/${file}`, text]));

  test('knows of limits of swap and of weights where nobody has made a cgroup yet', () => {
    using tree = layOut({...ROOT, swaps: '', 'io.cost.qos': ''});
    const limits = readUnifiedLimits(tree.path, '/', {swaps: join(tree.path, 'swaps')});
    assert.equal(limits, {controllers: ALL, swapLimit: true, hasBlockIoWeights: true});
    using bare = layOut(ROOT);
    const {swapLimit, hasBlockIoWeights} = readUnifiedLimits(bare.path, '/', {swaps: join(bare.path, 'swaps')});
    assert.equal([swapLimit, hasBlockIoWeights], [false, false]);
  });

  test('a cgroup tells better than the kernel', () => {
    using tree = layOut({...ROOT, swaps: '', 'group/memory.max': 'max\n', 'group/io.bfq.weight': 'default 100\n'});
    const {swapLimit, hasBlockIoWeights} = readUnifiedLimits(tree.path, '/', {swaps: join(tree.path, 'swaps')});
    assert.equal([swapLimit, hasBlockIoWeights], [false, true]);
    using other = layOut({...ROOT, 'group/memory.max': 'max\n', 'group/memory.swap.max': 'max\n'});
    assert.ok(readUnifiedLimits(other.path, '/', {swaps: join(other.path, 'swaps')}).swapLimit);
  });

  test('processes of its own keep controllers from those below, in the root of a container as well', () => {
    using tree = layOut(BELOW);
    const {controllers, occupied, swapLimit} = readUnifiedLimits(tree.path);
    assert.equal([controllers, occupied, swapLimit], [['pids'], '/', true]);
    using other = layOut({...ROOT, ...below('ours', {...BELOW, 'cgroup.procs': ''}), ...below('shell', BELOW)});
    assert.equal(readUnifiedLimits(other.path).controllers, ALL);
    assert.equal(readUnifiedLimits(other.path, '/ours').controllers, ALL);
    assert.equal(readUnifiedLimits(other.path, '/shell').occupied, '/shell');
    assert.equal(readUnifiedLimits(other.path, '/shell/to/come').occupied, '/shell');
    assert.equal(readUnifiedLimits(other.path, '/to/come').controllers, ALL);
  });
});
