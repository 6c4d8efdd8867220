// `npm run bench`: compares winch with whichever of its peers is installed. `npm run bench -- --help` lists the options.
import {mkdtemp, rm} from 'node:fs/promises';
import {cpus, release} from 'node:os';
import {join} from 'node:path';
import {CommandFailure, showCommand} from './command.ts';
import {judge} from './goals.ts';
import {blobPath} from './images/layout.ts';
import {type BuiltImages, buildImages} from './images/recipes.ts';
import {compare} from './measure.ts';
import {type BenchOptions, parseOptions, USAGE, UsageError} from './options.ts';
import type {Peer, ServedImage} from './peers/peer.ts';
import {PEERS, type ProbedPeers, probePeers} from './peers/probe.ts';
import {servedReference, serveImages} from './registry.ts';
import {type ReportHead, type ReportSection, renderHead, renderJson, renderSection} from './report.ts';
import {SCENARIOS} from './scenarios/catalogue.ts';
import type {Scenario} from './scenarios/scenario.ts';

const print = (text: string) => void process.stdout.write(text);
const say = (text: string) => void process.stderr.write(`${text}\n`);

async function main(args: readonly string[], signal: AbortSignal): Promise<void> {
  const options = parseOptions(args, process.env);
  if (options === null) return print(USAGE);
  await showCommand([process.execPath, join(import.meta.dirname, 'set-up.js')], signal);
  const built = await buildImages(options.cache, options.images, (layer) => say(`building layer ${layer}`));
  await using registry = await serveImages(built, signal);
  const images = describeImages(built, registry.host);
  const stores = await mkdtemp(join(options.stores, 'winch-bench-'));
  try {
    const definitions = PEERS.filter(({name}) => options.peers.includes(name));
    const peers = await probePeers(definitions, {environment: process.env, stores, images, signal});
    try {
      await benchmark({options, peers, images, registryKind: registry.kind}, signal);
    } finally {
      for (const peer of peers.present) await peer.close();
    }
  } finally {
    await rm(stores, {recursive: true, force: true});
  }
}

const describeImages = ({layout, images}: BuiltImages, host: string): readonly ServedImage[] =>
  [...images].map(([name, {layers}]) => ({
    name,
    reference: servedReference(host, name),
    layout,
    layerFiles: layers.map(({digest}) => blobPath(layout, digest)),
  }));

interface Bench {
  readonly options: BenchOptions;
  readonly peers: ProbedPeers;
  readonly images: readonly ServedImage[];
  readonly registryKind: string;
}

async function benchmark({options, peers, images, registryKind}: Bench, signal: AbortSignal): Promise<void> {
  const isJson = options.format === 'json';
  const machine = {node: process.version, kernel: release(), cores: cpus().length, registry: registryKind};
  const head: ReportHead = {
    machine,
    runs: options.runs,
    peers: peers.present.map(({name, version, note}) => ({name, version, ...(note !== undefined && {note})})),
    absent: peers.absent,
  };
  if (!isJson) print(renderHead(head));
  const sections: ReportSection[] = [];
  for (const scenario of SCENARIOS.filter(({name}) => options.scenarios.includes(name))) {
    for (const image of scenario.isImageless ? images.slice(0, 1) : images) {
      const section = await measure(scenario, {image, peers: peers.present, runs: options.runs}, signal);
      sections.push(section);
      if (!isJson) print(renderSection(section));
    }
  }
  if (isJson) print(renderJson(head, sections));
}

interface Round {
  readonly image: ServedImage;
  readonly peers: readonly Peer[];
  readonly runs: number;
}

async function measure(scenario: Scenario, {image, peers, runs}: Round, signal: AbortSignal): Promise<ReportSection> {
  const contenders = peers.flatMap((peer) => {
    const contender = scenario.contenderFor(peer, image);
    return contender === null ? [] : [{name: peer.name, ...contender}];
  });
  const {name, title, isImageless = false} = scenario;
  const subject = isImageless ? name : `${name} ${image.name}`;
  const onRun = (peer: string, milliseconds: number) => say(`${subject} ${peer} ${(milliseconds / 1000).toFixed(3)} s`);
  const comparison = await compare(contenders, {runs, signal, onRun});
  const compared = {scenario: name, title, image: isImageless ? null : image.name, ...comparison};
  return {...compared, goals: judge(compared)};
}

const interruption = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => interruption.abort(new UsageError(`ended by ${name}`)));
}
try {
  await main(process.argv.slice(2), interruption.signal);
} catch (error) {
  const cause = interruption.signal.aborted ? interruption.signal.reason : error;
  if (!(cause instanceof UsageError || cause instanceof CommandFailure)) throw cause;
  say(cause.message);
  process.exitCode = interruption.signal.aborted ? 130 : cause instanceof UsageError ? 2 : 1;
}
