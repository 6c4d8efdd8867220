import {mkdirSync} from 'node:fs';
import * as assert from 'uvu/assert';
import {FILE_TYPE, type ListedFile, type Listing} from '../helpers/file-tree.ts';
import {describe} from '../helpers/suite.ts';
import {makeLayerFixture} from '../layers/layer-fixture.ts';
import {mountSkip as skip} from '../layers/mounted-tree.ts';
import {CONFORMANCE_CASES, type ConformanceCase} from './conformance-cases.ts';
import {driverSkip, makeDriverRig, WAYS_TO_MOUNT} from './driver-rig.ts';
import {entriesOf, makeByHand} from './hand-made.ts';
import {listRootfs, runInRootfs, type WayToMount} from './mounted-rootfs.ts';

const TIMEOUT_MS = 180_000;
/** Names of one file, by device and number. */
const LIST_LINKS = "find . -type f -links +1 -printf '%D:%i %p\\n'";

/** What one way of mounting shows of all cases at once. */
interface Shown {
  readonly listing: Listing;
  /** Sets of names that are one file. */
  readonly links: readonly string[];
}

const depth = Math.max(...CONFORMANCE_CASES.map(({layers}) => layers.length));
/** The layers of all cases, which have a directory each. */
const STACK = Array.from({length: depth}, (_, index) =>
  CONFORMANCE_CASES.flatMap(({layers}) => layers.slice(index, index + 1)),
);

/** By the kernel's own overlay of directories that were made by hand. */
function showOracle(): Shown {
  const fixture = makeLayerFixture();
  try {
    const layers = STACK.map((layer) => ({
      ...{path: makeByHand(fixture, layer), whiteouts: 0, directories: {implied: [], opaque: []}},
    }));
    const show = (how: 'list' | 'links') => {
      const directory = fixture.path();
      mkdirSync(directory);
      const request = {driver: 'kernel', layers, directory, writable: {type: 'none'}} as const;
      return how === 'list' ? listRootfs(request) : runInRootfs(request, LIST_LINKS);
    };
    return {listing: show('list') as Listing, links: groupLinks(show('links') as string)};
  } finally {
    fixture.remove();
  }
}

async function showDriver(driver: WayToMount): Promise<Shown> {
  const rig = makeDriverRig(driver);
  try {
    const layers = [];
    for (const layer of STACK) layers.push(await rig.layer(...entriesOf(layer)));
    return {listing: rig.listAll(layers), links: groupLinks(rig.run(layers, LIST_LINKS))};
  } finally {
    rig.remove();
  }
}

function groupLinks(output: string): readonly string[] {
  const names = new Map<string, string[]>();
  for (const line of output.trim().split('\n')) {
    const [id = '', name = ''] = line.split(' ');
    names.set(id, [...(names.get(id) ?? []), name]);
  }
  return [...names.values()].map((group) => group.toSorted().join(' ')).toSorted();
}

function takeCase({listing, links}: Shown, {name, hidesLinks = false}: ConformanceCase, driver: WayToMount) {
  const isOwn = (path: string) => path === `./${name}` || path.startsWith(`./${name}/`);
  const countsVisible = driver === 'copy' || driver === 'fuse-overlayfs';
  const comparesCount = !(hidesLinks && countsVisible);
  // File systems count the links of directories each in their own way.
  const describeFile = ({links: count, ...file}: ListedFile) =>
    file.type === FILE_TYPE.directory || !comparesCount ? file : {...file, links: count};
  const files = Object.keys(listing).filter(isOwn).toSorted();
  return {
    files: Object.fromEntries(files.map((path) => [path, describeFile(listing[path] as ListedFile)])),
    // fuse-overlayfs counts the names of a file, and gives some of them numbers of their own.
    links: comparesCount && driver !== 'fuse-overlayfs' ? links.filter((group) => group.startsWith(`./${name}/`)) : [],
  };
}

describe('snapshots/conformance', ({test, before}) => {
  const shown = new Map<WayToMount, Shown>();
  let oracle: Shown | undefined;
  before(async () => {
    if (skip !== undefined) return;
    oracle = showOracle();
    for (const driver of WAYS_TO_MOUNT.filter((name) => driverSkip(name) === undefined))
      shown.set(driver, await showDriver(driver));
  });

  for (const driver of WAYS_TO_MOUNT) {
    for (const one of CONFORMANCE_CASES) {
      const title = `${driver} shows what the kernel makes of ${one.title}`;
      const compare = () => {
        const found = shown.get(driver);
        if (!found || !oracle) throw new Error('nothing was mounted');
        const expected = takeCase(oracle, one, driver);
        assert.ok(Object.keys(expected.files).length > 1);
        assert.equal(takeCase(found, one, driver), expected);
      };
      test(title, compare, {skip: driverSkip(driver), timeoutMs: TIMEOUT_MS});
    }
  }
});
