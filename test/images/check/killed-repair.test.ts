import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {findStoreProblems} from '../../helpers/store-problems.ts';
import {describe} from '../../helpers/suite.ts';
import {flipBit, openDamagedStore} from './damaged-store.ts';

const PROGRAM = fileURLToPath(new URL('repair-program.ts', import.meta.url));
/** A process for each step. */
const TIMEOUT_MS = 300_000;
const SCHEMA_PAGE = 100;
const MOST_STEPS = 60;

describe('images/check/killed-repair', ({test}) => {
  const title = 'a repair that is killed before any of its steps is completed by the next one';
  const body = async () => {
    await using store = await openDamagedStore();
    const {database, layer, blob, below} = store.paths;
    const reference = (await store.images.list())[0]?.reference;
    await store.toolkit.close();
    const [good, goodLayer, goodBlob] = [readFileSync(database), readFileSync(layer), readFileSync(blob)];
    for (let step = 1; ; step++) {
      for (const name of readdirSync(store.root)) if (name.startsWith('winch.db')) rmSync(below(name));
      writeFileSync(database, good, {mode: 0o600});
      for (const [path, offset] of [
        [database, SCHEMA_PAGE],
        [layer, 5000],
        [blob, 20],
      ] as const) {
        flipBit(path, offset);
      }
      const words = [PROGRAM, store.root, below('../run'), String(step)];
      // The registry that it downloads from is in this process.
      const [status, signal] = await once(spawn(process.execPath, words, {stdio: 'inherit'}), 'exit');
      if (signal === null) assert.is(status, 0);
      await using toolkit = await store.openToolkit();
      const {isClean, repairs} = await toolkit.images.check({deep: true, repair: true});
      assert.ok(isClean, `step ${step}: ${repairs.map(({finding, detail}) => `${finding.code} ${detail}`).join()}`);
      const left = (await toolkit.images.check({deep: true})).findings.filter(({isDamage}) => isDamage);
      assert.equal([step, ...left.map(({code, path, detail}) => [code, path, detail])], [step]);
      assert.equal(
        (await toolkit.images.list()).map((image) => image.reference),
        [reference],
      );
      // A layer file that is damaged with the database is written again when the image is next used.
      await toolkit.images.pull(store.reference, {policy: 'missing'});
      assert.ok(readFileSync(layer).equals(goodLayer) && readFileSync(blob).equals(goodBlob), `step ${step}`);
      assert.equal(findStoreProblems(store.root), [], `step ${step}`);
      if (signal === null) {
        assert.ok(step > 5, `${step} steps`);
        return;
      }
      assert.ok(step < MOST_STEPS);
    }
  };
  test(title, body, {timeoutMs: TIMEOUT_MS});
});
