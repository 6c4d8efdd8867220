import {rmSync} from 'node:fs';
import {buildTar} from '../../fixtures/build-tar.ts';
import {stackLayer} from '../../src/layers/read-layer-index.ts';
import {compareTrees} from '../fuzz/compare-trees.ts';
import {listModel} from '../fuzz/list-model.ts';
import {listMounts} from '../fuzz/list-mounts.ts';
import type {Listing} from '../helpers/file-tree.ts';
import {fsckFindings, fsckSkip} from '../helpers/fsck-erofs.ts';
import {type LayerFixture, makeLayerFixture} from './layer-fixture.ts';
import {mountSkip} from './mounted-tree.ts';
import {randomEntries} from './random-entries.ts';

export interface GeneratedLayers {
  /** Of the first layer; the others follow. */
  readonly seed: number;
  readonly layers: number;
}

export interface GeneratedReport {
  layers: number;
  entries: number;
  /** How many were given to fsck.erofs, and to the kernel. */
  fsck: number;
  mounted: number;
  /** What is wrong, with the seed of the layer. */
  readonly findings: string[];
}

interface Generated {
  readonly seed: number;
  readonly path: string;
  readonly model: Listing;
}

const MOUNTS_AT_ONCE = 20;
const MOST_ENTRIES = 400;

/** Writes layers that depend on nothing but their seeds, and has fsck.erofs and the kernel read them, where they can. */
export async function checkGeneratedLayers({seed, layers}: GeneratedLayers): Promise<GeneratedReport> {
  const report: GeneratedReport = {layers: 0, entries: 0, fsck: 0, mounted: 0, findings: []};
  const fixture = makeLayerFixture();
  try {
    for (let first = seed; first < seed + layers; first += MOUNTS_AT_ONCE) {
      const seeds = Array.from({length: Math.min(MOUNTS_AT_ONCE, seed + layers - first)}, (_, index) => first + index);
      const generated: Generated[] = [];
      for (const one of seeds) generated.push(await generate(fixture, report, one));
      if (mountSkip === undefined) compareMounted(fixture, report, generated);
      for (const {path} of generated) rmSync(path);
    }
  } finally {
    fixture.remove();
  }
  return report;
}

async function generate(fixture: LayerFixture, report: GeneratedReport, seed: number): Promise<Generated> {
  const entries = randomEntries(seed, 1 + ((seed * 37) % MOST_ENTRIES));
  const layer = await fixture.write(buildTar(entries));
  report.layers += 1;
  report.entries += entries.length;
  if (fsckSkip === undefined) {
    report.fsck += 1;
    const finding = fsckFindings(layer.path);
    if (finding !== null) report.findings.push(`${seed}: ${finding}`);
  }
  return {seed, path: layer.path, model: listModel(await stackLayer(null, layer, {keepsWhiteouts: true}))};
}

function compareMounted(fixture: LayerFixture, report: GeneratedReport, layers: readonly Generated[]): void {
  const paths = layers.map(({path}) => path);
  for (const [index, listing] of listMounts(fixture.mountPoint, paths).entries()) {
    const layer = layers[index];
    if (layer === undefined) continue;
    report.mounted += 1;
    const difference = compareTrees(layer.model, listing);
    if (difference !== null) report.findings.push(`${layer.seed}: mounted, ${difference}`);
  }
}
