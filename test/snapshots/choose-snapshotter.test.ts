import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {chooseSnapshotter, type SnapshotterProbes} from '../../src/snapshots/choose-snapshotter.ts';
import {probeCopy} from '../../src/snapshots/probe-copy.ts';
import {recallProbe} from '../../src/snapshots/remembered-probe.ts';
import {SNAPSHOTTERS, type SnapshotterName} from '../../src/snapshots/snapshotter.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {mountSkip} from '../layers/mounted-tree.ts';

/** A machine where only these drivers work. */
const probesOf = (...usable: readonly SnapshotterName[]): SnapshotterProbes => {
  const probes = SNAPSHOTTERS.map((name) => {
    const works = usable.includes(name);
    return [name, async () => ({name, usable: works, reason: works ? null : `no ${name} here`})] as const;
  });
  return Object.fromEntries(probes) as unknown as SnapshotterProbes;
};

describe('snapshots/choose-snapshotter', ({test}) => {
  const choose = async (probes: SnapshotterProbes, forced: SnapshotterName | null = null) => {
    using directory = makeTemporaryDirectory();
    const runtimeDirectory = join(directory.path, 'run');
    const storeDirectory = join(directory.path, 'absent');
    const chosen = await chooseSnapshotter({runtimeDirectory, storeDirectory, forced}, probes);
    return {...chosen, remembered: recallProbe(runtimeDirectory)};
  };

  test('takes the first driver that works, tells why those before it do not, and remembers that', async () => {
    for (const [index, name] of SNAPSHOTTERS.entries()) {
      const failed = SNAPSHOTTERS.slice(0, index).map((before) => `no ${before} here`);
      const reason = failed.length === 0 ? null : failed.join('; ');
      const expected = {name, usable: true, reason, isForced: false, remembered: {name, reason}};
      assert.equal(await choose(probesOf(...SNAPSHOTTERS.slice(index))), expected);
    }
  });

  test('tells what several drivers lack once, and remembers nothing where none works', async () => {
    const denied = async () => ({name: 'erofs', usable: false, reason: 'denied'}) as const;
    const probes = Object.fromEntries(SNAPSHOTTERS.map((name) => [name, denied])) as unknown as SnapshotterProbes;
    assert.equal(await choose(probes), {
      name: 'erofs',
      usable: false,
      reason: 'denied',
      isForced: false,
      remembered: null,
    });
  });

  test('asks only about the driver that somebody insists on', async () => {
    const expected = {name: 'copy', usable: false, reason: 'no copy here', isForced: true, remembered: null};
    assert.equal(await choose(probesOf('erofs'), 'copy'), expected);
  });

  test(
    'a copy needs nothing but a mount namespace',
    async () => {
      assert.equal(await probeCopy(), {name: 'copy', usable: true, reason: null});
    },
    {skip: mountSkip},
  );
});
