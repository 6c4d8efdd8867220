import * as assert from 'node:assert/strict';
import {existsSync} from 'node:fs';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {CUT_COMMANDS, openPowerCutRig} from '../helpers/power-cut-rig.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';

const skip =
  missingFor('mkfs.ext4', 'losetup', 'unshare', 'nsenter') ??
  (existsSync('/dev/loop-control') ? undefined : 'no loop devices');
const layerOf = (name: string, bytes: number) => buildTar([{path: name, content: Buffer.alloc(bytes, name)}]);
const BASE = layerOf('base', 1_500_000);
const OLD = buildImage({layers: [BASE]});
const WANTED = buildImage({layers: [BASE, layerOf('upper', 3_000_000)], compression: ['gzip', 'none']});
/** A command of ordinary length is at its work then, or just done. */
const DURING_MS = 200;

describe('e2e/power-cut', ({test}) => {
  test(
    'S03 keeps what was there and what a pull has said to be stored when the power goes',
    async () => {
      await using registry = await startRegistry();
      registry.put('app', '1', OLD);
      registry.put('app', '2', WANTED);
      await using rig = await openPowerCutRig({registry, references: ['app:1', 'app:2']});
      const wholeMs = await rig.time();
      assert.equal(await rig.cut(null), true);
      await rig.cut(wholeMs * 0.9);
      let share = 0.6;
      while (await rig.cut(wholeMs * share)) share /= 1.5;
      assert.ok(share > 0.01);
    },
    {skip},
  );

  test(
    'S03 keeps what load, rmi and prune have said to be done when the power goes',
    async () => {
      await using registry = await startRegistry();
      registry.put('app', '1', OLD);
      registry.put('app', '2', WANTED);
      await using rig = await openPowerCutRig({registry, references: ['app:1', 'app:2']});
      for (const command of CUT_COMMANDS.filter((name) => name !== 'pull')) {
        assert.equal(await rig.cut(null, command), true);
        await rig.cut(DURING_MS, command);
      }
    },
    {skip},
  );

  test(
    'S03 makes what a pull without syncs has left durable before the next pull counts on it',
    async () => {
      await using registry = await startRegistry();
      registry.put('app', '1', OLD);
      registry.put('app', '2', WANTED);
      await using rig = await openPowerCutRig({registry, references: ['app:1', 'app:2'], isFirstFast: true});
      assert.equal(await rig.cut(null), true);
    },
    {skip},
  );
});
