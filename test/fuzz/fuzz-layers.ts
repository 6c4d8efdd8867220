import {rmSync} from 'node:fs';
import {join} from 'node:path';
import {isWinchError} from '../../src/errors.ts';
import type {FileNode} from '../../src/layers/file-tree.ts';
import {stackLayer} from '../../src/layers/read-layer-index.ts';
import type {TarEntry} from '../../src/layers/tar-entry.ts';
import {createTreeBuilder} from '../../src/layers/tree.ts';
import {type WrittenLayer, writeLayerFile} from '../../src/layers/write-layer.ts';
import {digestOf} from '../../src/oci/digest.ts';
import type {Listing} from '../helpers/file-tree.ts';
import {fsckFindings, fsckSkip} from '../helpers/fsck-erofs.ts';
import {readLayerTree} from '../helpers/layer-tree.ts';
import {makeLayerFixture, piecesOf} from '../layers/layer-fixture.ts';
import {mountSkip} from '../layers/mounted-tree.ts';
import {listTree, readTar} from '../layers/tree-listing.ts';
import {compareListings} from './compare-listings.ts';
import {compareTrees} from './compare-trees.ts';
import {fuzzInput} from './fuzz-input.ts';
import {knownDifference, type Reading} from './known-differences.ts';
import {listModel} from './list-model.ts';
import {listMounts} from './list-mounts.ts';
import {liveBytes} from './live-bytes.ts';
import {listWithGnuTar, openTarfile} from './reference-readers.ts';

export interface FuzzOptions {
  readonly seed: number;
  /** The number of the first input. */
  readonly first: number;
  /** Ends after so many inputs, or after so many seconds. */
  readonly inputs: number;
  readonly seconds: number;
  /** Hears of each input before it is read. */
  readonly onInput: (index: number) => void;
}

export interface FuzzReport {
  inputs: number;
  accepted: number;
  /** By code. */
  readonly refused: Record<string, number>;
  /** How many accepted layers each other reader has looked at. */
  readonly compared: Record<'tarfile' | 'gnuTar' | 'fsck' | 'mounted', number>;
  /** Differences that are the other reader's, by reason. */
  readonly known: Record<string, number>;
  /** What is wrong, with the number of the input. */
  readonly findings: string[];
  /** Bytes in use after the first inputs, and at the end; 0: there were too few of them. */
  live: readonly [early: number, late: number];
}

interface Lab {
  /** One input is replayed: everybody looks at it. */
  readonly isReplay: boolean;
  readonly report: FuzzReport;
  readonly fixture: ReturnType<typeof makeLayerFixture>;
  readonly tarfile: ReturnType<typeof openTarfile>;
  readonly toMount: {readonly index: number; readonly path: string; readonly model: Listing}[];
}

interface Accepted {
  readonly index: number;
  readonly tar: Buffer;
  readonly entries: readonly TarEntry[];
}

/** Of so many accepted layers one is given to programs that have to be started for it. */
const PROGRAM_SHARE = 4;
const MOUNT_SHARE = 16;
const MOUNTS_AT_ONCE = 32;
const MOST_FINDINGS = 20;
const EARLY_INPUTS = 2000;
/** What caches of Node and of the readers may grow by. */
const LEAK_BYTES = 16 * 2 ** 20;

/** Reads mutated layers, and has everybody else who can read them look at what was accepted. */
export async function fuzzLayers({seed, first, inputs, seconds, onInput}: FuzzOptions): Promise<FuzzReport> {
  const fixture = makeLayerFixture();
  await using tarfile = openTarfile();
  const lab: Lab = {isReplay: inputs === 1, report: emptyReport(), fixture, tarfile, toMount: []};
  const {report} = lab;
  const end = performance.now() + seconds * 1000;
  try {
    for (let index = first; index < first + inputs && performance.now() < end; index++) {
      onInput(index);
      await fuzzOnce(lab, {seed, index});
      report.inputs++;
      if (report.inputs === EARLY_INPUTS) report.live = [await liveBytes(), 0];
      if (report.findings.length >= MOST_FINDINGS) break;
    }
    compareMounts(lab);
    await findLeak(report);
  } finally {
    fixture.remove();
  }
  return report;
}

const emptyReport = (): FuzzReport => ({
  inputs: 0,
  accepted: 0,
  refused: {},
  compared: {tarfile: 0, gnuTar: 0, fsck: 0, mounted: 0},
  known: {},
  findings: [],
  live: [0, 0],
});

async function findLeak(report: FuzzReport): Promise<void> {
  const [early] = report.live;
  if (early === 0) return;
  const late = await liveBytes();
  report.live = [early, late];
  if (late > early + LEAK_BYTES)
    report.findings.push(`${report.inputs} inputs leave ${late - early} bytes more in use`);
}

async function fuzzOnce(lab: Lab, {seed, index}: {readonly seed: number; readonly index: number}): Promise<void> {
  const {report, fixture} = lab;
  const {tar, blob} = fuzzInput(seed, index);
  const path = fixture.path();
  try {
    const entries = readTar(tar);
    const tree = buildTree(entries);
    const pieceBytes = 1 + ((index * 7919) % 3000);
    const options = {expectedDiffId: digestOf(tar), durability: 'fast'} as const;
    const written = await writeLayerFile(piecesOf(blob, pieceBytes), path, options);
    report.accepted++;
    const accepted = {index, tar, entries};
    await checkFile(lab, {accepted, tree, written, path});
    await compareReaders(lab, accepted);
  } catch (error) {
    if (!isWinchError(error) || error.kind !== 'refused') addFinding(lab, index, describeCrash(error));
    else report.refused[error.code] = (report.refused[error.code] ?? 0) + 1;
  }
  if (!lab.toMount.some((layer) => layer.path === path)) rmSync(path, {force: true});
}

function buildTree(entries: readonly TarEntry[]) {
  const builder = createTreeBuilder();
  for (const entry of entries) builder.add(entry);
  return builder.finish();
}

const describeCrash = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : `${error}`;

const addFinding = ({report}: Lab, index: number, what: string): void => void report.findings.push(`${index}: ${what}`);

const isTurn = ({isReplay, report}: Lab, share: number): boolean => isReplay || report.accepted % share === 0;

interface AcceptedFile {
  readonly accepted: Accepted;
  readonly tree: ReturnType<typeof buildTree>;
  readonly written: WrittenLayer;
  readonly path: string;
}

/** The tree that was meant, the one in the tar, the one in the index and the mounted one are the same. */
async function checkFile(lab: Lab, {accepted: {index}, tree, written, path}: AcceptedFile): Promise<void> {
  const {report} = lab;
  const layer = {...written, path};
  const reread = listTree(await readLayerTree(layer));
  if (JSON.stringify(reread) !== JSON.stringify(listTree(tree)))
    addFinding(lab, index, 'the tar reads back differently');
  const model: FileNode = await stackLayer(null, layer, {keepsWhiteouts: true});
  if (isTurn(lab, PROGRAM_SHARE) && fsckSkip === undefined) {
    report.compared.fsck++;
    const findings = fsckFindings(path);
    if (findings !== null) addFinding(lab, index, findings);
  }
  if (!isTurn(lab, MOUNT_SHARE) || mountSkip !== undefined) return;
  lab.toMount.push({index, path, model: listModel(model)});
  if (lab.toMount.length === MOUNTS_AT_ONCE) compareMounts(lab);
}

function compareMounts(lab: Lab): void {
  const layers = lab.toMount.splice(0);
  if (layers.length === 0) return;
  const listings = listMounts(
    lab.fixture.mountPoint,
    layers.map(({path}) => path),
  );
  for (const [at, {index, path, model}] of layers.entries()) {
    lab.report.compared.mounted++;
    const difference = compareTrees(model, listings[at] ?? {});
    if (difference !== null) addFinding(lab, index, `mounted, ${difference}`);
    rmSync(path, {force: true});
  }
}

async function compareReaders(lab: Lab, accepted: Accepted): Promise<void> {
  const {report, tarfile, fixture} = lab;
  report.compared.tarfile++;
  const listing = await tarfile.list(accepted.tar);
  const headers = 'entries' in listing ? listing.entries : null;
  compareWith(lab, accepted, {reader: 'tarfile', listing, headers});
  if (!isTurn(lab, PROGRAM_SHARE)) return;
  report.compared.gnuTar++;
  const theirs = listWithGnuTar(accepted.tar, join(fixture.directory, 'tar'));
  compareWith(lab, accepted, {reader: 'gnuTar', listing: theirs, headers});
}

function compareWith(lab: Lab, {index, tar, entries}: Accepted, reading: Reading): void {
  const difference = compareListings(entries, reading.listing);
  if (difference === null) return;
  const reason = knownDifference(reading, {tar, count: entries.length});
  if (reason === null) addFinding(lab, index, `${reading.reader}: ${difference}`);
  else lab.report.known[reason] = (lab.report.known[reason] ?? 0) + 1;
}
