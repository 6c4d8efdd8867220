import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {DatabaseSync} from 'node:sqlite';
import * as assert from 'uvu/assert';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import type {Images} from '../../src/toolkit.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

const SAMPLE = buildImage({layers: [buildTar([{path: 'text', content: 'text'}])]});

interface Place {
  readonly image: string;
  /** A directory to write to. */
  readonly directory: string;
}

/** Each makes one call of the library, by its name. */
const calls = (images: Images, {image, directory}: Place): Readonly<Record<string, () => Promise<unknown>>> => ({
  pull: () => images.pull(image),
  'pull of what is missing': () => images.pull(`${image}-other`),
  plan: () => images.plan(image),
  push: () => images.push(image),
  save: () => images.save([image]),
  saveDirectory: () => images.saveDirectory({names: [image], directory: join(directory, 'layout')}),
  load: () => images.load(join(directory, 'archive')),
  export: () => images.export(image),
  list: () => images.list(),
  inspect: () => images.inspect(image),
  history: () => images.history(image),
  tree: () => images.tree(),
  diff: () => images.diff(image, image),
  which: () => images.which('/text'),
  tag: () => images.tag(image, 'named:1'),
  untag: () => images.untag([image]),
  tagHistory: () => images.tagHistory(image),
  undoTag: () => images.undoTag(image),
  remove: () => images.remove([image]),
  prune: () => images.prune(),
  check: () => images.check(),
  repair: () => images.check({repair: true}),
  usage: () => images.usage(),
  bundle: () => images.bundle(image, join(directory, 'bundle')),
});

describe('images/newer-store', ({test}) => {
  test('S20 a store that a later version wrote is refused by every call, and stays as it is', async () => {
    await using registry = await startRegistry();
    registry.put('app', '1', SAMPLE);
    await using store = await openTestStore({durability: 'fast'});
    using directory = makeTemporaryDirectory();
    const place = {image: `${registry.host}/app:1`, directory: directory.path};
    await store.toolkit.images.pull(place.image);
    await store.toolkit.images.saveDirectory({names: [place.image], directory: join(directory.path, 'archive')});
    await store.toolkit.close();
    const path = join(store.root, 'winch.db');
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 999');
    database.close();
    const bytes = readFileSync(path);
    for (const name of Object.keys(calls(store.toolkit.images, place))) {
      await using toolkit = await store.open();
      const sent = registry.requests.length;
      const call = calls(toolkit.images, place)[name] ?? assert.unreachable();
      if (call) assert.is((await rejectionOf(call())).code, 'STORE_NEWER', name);
      // A plan is an answer of the registry first.
      if (name !== 'plan') assert.is(registry.requests.length, sent, name);
    }
    assert.equal(readFileSync(path), bytes);
  });
});
