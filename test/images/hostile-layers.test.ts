import {existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {formatError} from '../../src/cli/report-error.ts';
import {isWinchError, type WinchError} from '../../src/errors.ts';
import type {WinchEvent} from '../../src/events.ts';
import {listTree} from '../helpers/file-tree.ts';
import {writeImageLayout} from '../helpers/image-layout.ts';
import {openTestStore, type TestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {describeListing, type HostileLayer, hostileLayers} from '../layers/hostile-layers.ts';
import {mountSkip} from '../layers/mounted-tree.ts';

const IMAGE = 'hostile:1';
/** What no terminal may get raw. */
const CONTROL = /[^\n\x20-\x7e\u00a0-\uffff]/;

describe('images (hostile layers)', ({test, before, after}) => {
  const directory = makeTemporaryDirectory();
  const canary = join(directory.path, 'canary');
  let store: TestStore;
  let untouched: ReturnType<typeof listTree>;
  before(async () => {
    store = await openTestStore();
    for (const place of [canary, join(dirname(store.root), 'canary')]) {
      mkdirSync(place);
      writeFileSync(join(place, 'secret'), 'secret');
    }
    untouched = listTree(canary);
  });
  after(async () => {
    await store[Symbol.asyncDispose]();
    directory[Symbol.dispose]();
  });

  for (const hostile of hostileLayers(canary)) {
    const isShown = 'shows' in hostile.expected;
    const body = () => (isShown ? bundleLayer(hostile) : refuseLayer(hostile));
    test(`${hostile.id} ${hostile.title}`, body, {skip: isShown ? mountSkip : undefined});
  }

  test('T23 nobody else gets at the programs of a store', () => {
    assert.is(statSync(store.root).mode & 0o7777, 0o700);
  });

  test('T32 a layer that is not the one that the config names is refused by name and not kept', async () => {
    const document = {rootfs: {type: 'layers', diff_ids: [`sha256:${'0'.repeat(64)}`]}};
    const image = buildImage({layers: [buildTar([{path: 'f', content: 'other'}])], document});
    const error = await refusalOf(image);
    assert.is(error.code, 'DIGEST_MISMATCH');
    assert.ok(error.message.includes(image.layers[0]?.digest ?? '-'), error.message);
    assertNothingStored();
  });

  test(
    'T34 a refused layer fails the pull at once, while other layers wait for their first byte',
    async () => {
      await using registry = await startRegistry();
      const layers = ['slow', 'slower', '../hostile'].map((path) => buildTar([{path}]));
      const image = buildImage({layers});
      registry.put('app', '1', image);
      const [slow, slower] = image.layers.map(({digest}) => ({on: 'blob', matching: digest, hang: true}) as const);
      if (!slow || !slower) throw new Error('an image of three layers has less');
      registry.setFaults([slow, slower]);
      const error = await rejectionOf(store.toolkit.images.pull(`${registry.host}/app:1`));
      assert.is(error.code, 'TAR_PATH', error.message);
      assertNothingStored();
    },
    {timeoutMs: 10_000},
  );

  async function refuseLayer({layer, base, trailer, expected}: HostileLayer) {
    if ('shows' in expected) return;
    const tar = buildTar(layer, trailer === undefined ? {} : {trailer});
    const image = buildImage({layers: [...(base ? [buildTar(base)] : []), tar]});
    const error = await refusalOf(image);
    assert.is(error.code, expected.refused, error.message);
    assert.is(error.kind, 'refused');
    assert.ok(error.message.includes(image.layers.at(-1)?.digest ?? '-'), error.message);
    assert.match(error.message, expected.message ?? /./);
    assert.not.match(formatError(error), CONTROL);
    if (!base) assertNothingStored();
    assertCanaries();
  }

  async function refusalOf(image: ReturnType<typeof buildImage>): Promise<WinchError> {
    const layout = join(directory.path, 'layout');
    writeImageLayout(layout, {[IMAGE]: image});
    const error = await rejectionOf(store.toolkit.images.load(layout));
    rmSync(layout, {recursive: true});
    if (!isWinchError(error)) throw error;
    assert.is((await store.toolkit.images.list()).length, 0);
    return error;
  }

  async function bundleLayer({layer, base = [], trailer, expected}: HostileLayer) {
    if (!('shows' in expected)) return;
    const tar = buildTar(layer, trailer === undefined ? {} : {trailer});
    const layout = join(directory.path, 'layout');
    writeImageLayout(layout, {[IMAGE]: buildImage({layers: [buildTar(base), tar], config: {Cmd: ['/true']}})});
    const events: WinchEvent[] = [];
    const {images} = store.toolkit;
    await images.load(layout, {onEvent: (event) => void events.push(event)});
    const bundle = join(directory.path, 'bundle');
    await images.bundle(IMAGE, bundle);
    const files = listTree(join(bundle, 'rootfs'));
    assert.equal(describeListing(files), expected.shows);
    expected.check?.(files);
    const warnings = events.flatMap((event) => (event.type === 'warning:raised' ? [event.message] : []));
    assert.match(warnings.join('\n'), expected.warning ?? /^$/);
    assertCanaries();
    for (const path of [layout, bundle]) rmSync(path, {recursive: true});
    await images.remove([IMAGE]);
  }

  function assertCanaries() {
    assert.equal(listTree(canary), untouched);
    const beside = readdirSync(dirname(store.root)).filter((name) => name !== 'run' && name !== 'store');
    assert.equal([beside, readdirSync(canary)], [['canary'], ['secret']]);
  }

  function assertNothingStored() {
    const layers = join(store.root, 'layers');
    assert.equal(
      existsSync(layers)
        ? readdirSync(layers, {recursive: true}).filter((path) => String(path).endsWith('.erofs'))
        : [],
      [],
    );
  }
});
