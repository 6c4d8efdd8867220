import type {PruneReport} from '../../images/prune.ts';
import {choice, flag, list, text} from '../arguments/option-table.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {parsePruneFilters} from '../options/prune-filter.ts';
import {parseSize} from '../options/size.ts';
import {humanBytes} from '../render/human.ts';
import {remarkKept} from '../render/kept.ts';
import {safeJson, safeText} from '../render/safe-text.ts';

/** `winch prune` */
export const pruneCommand = defineCommand({
  name: 'prune',
  summary: 'Free the space of what nothing needs',
  description:
    'Removes images without a name, and files that no image needs. Images of running containers stay. Nothing is ' +
    'asked; --dry-run shows what would go. With --keep-bytes, unfinished downloads go next, then named images by last ' +
    'use (pull, run, bundle, export, save, push); compressed copies go only with --blobs, and then before images.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    all: flag('Remove named images as well, unless a container runs them', {short: 'a'}),
    filter: list('KEY=value', 'Only images made before until=TIME or 24h, or with label=NAME[=value], or label!=…'),
    blobs: flag('Drop the compressed copies of unpacked layers; a push or save downloads them again'),
    'keep-bytes': text(
      'SIZE',
      'Remove named images too, least recently used first, until the store takes no more (20G)',
    ),
    partials: flag('Remove unfinished downloads at once, not after 7 days'),
    'dry-run': flag('Remove nothing'),
    format: choice(['json'], 'Print JSON', {short: 'f'}),
  },
  examples: [
    ['winch prune', 'What is left of moved tags and broken pulls'],
    ['winch prune --all --filter until=168h', 'All images that were made more than a week ago'],
    ['winch prune --all --filter label!=keep --dry-run', 'See what would go'],
    ['winch prune --keep-bytes 20G', 'On a CI host: keep what was used last'],
    ['winch prune --blobs', 'Keep of each layer only what containers need'],
  ],
  handle: async ({values}, context) => {
    const filters = parsePruneFilters(values.filter ?? [], Date.now());
    const size = values['keep-bytes'];
    const keepBytes = size === undefined ? undefined : parseSize('--keep-bytes', size);
    await context.becomeRootOfStore();
    const toolkit = await context.openToolkit();
    const {signal, onEvent} = context;
    const isDryRun = values['dry-run'] ?? false;
    const {all, blobs, partials} = values;
    const report = await toolkit.images.prune({...filters, all, blobs, keepBytes, partials, isDryRun, signal, onEvent});
    if (values.format === 'json') context.print(safeJson(report, 2));
    else printReport(report, {isDryRun, keepBytes}, context);
    return 0;
  },
});

interface PrintOptions {
  readonly isDryRun: boolean;
  readonly keepBytes: number | undefined;
}

function printReport(report: PruneReport, {isDryRun, keepBytes}: PrintOptions, {print, remark}: CommandContext): void {
  const {untagged, deleted, droppedBlobs, storeBytes, freedBytes} = report;
  for (const reference of untagged) print(`Untagged: ${safeText(reference)}`);
  for (const imageId of deleted) print(`Deleted: ${imageId}`);
  if (droppedBlobs > 0) print(`Dropped: ${droppedBlobs} compressed ${droppedBlobs === 1 ? 'layer' : 'layers'}`);
  print(`Total ${isDryRun ? 'reclaimable' : 'reclaimed'} space: ${humanBytes(freedBytes)}`);
  remarkKept(report, remark);
  if (storeBytes !== null && storeBytes > Number(keepBytes)) {
    remark(`the store still takes ${humanBytes(storeBytes)}: the rest is in use, kept by a filter, or no image`);
  }
}
