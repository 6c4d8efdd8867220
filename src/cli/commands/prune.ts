import type {PruneReport} from '../../images/prune.ts';
import {choice, flag, list} from '../arguments/option-table.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {parsePruneFilters} from '../options/prune-filter.ts';
import {humanBytes} from '../render/human.ts';
import {nameBusy} from '../render/process.ts';
import {safeJson, safeText} from '../render/safe-text.ts';

/** `winch prune` */
export const pruneCommand = defineCommand({
  name: 'prune',
  summary: 'Free the space of what nothing needs',
  description:
    'Removes images without a name, and files that no image needs. Images of running containers stay. Nothing is ' +
    'asked; --dry-run shows what would go.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    all: flag('Remove named images as well, unless a container runs them', {short: 'a'}),
    filter: list('KEY=value', 'Only images made before until=TIME or 24h, or with label=NAME[=value], or label!=…'),
    blobs: flag('Drop the compressed copies of unpacked layers; a push or save downloads them again'),
    partials: flag('Remove unfinished downloads at once, not after 7 days'),
    'dry-run': flag('Remove nothing'),
    format: choice(['json'], 'Print JSON', {short: 'f'}),
  },
  examples: [
    ['winch prune', 'What is left of moved tags and broken pulls'],
    ['winch prune --all --filter until=168h', 'All images that were made more than a week ago'],
    ['winch prune --all --filter label!=keep --dry-run', 'See what would go'],
    ['winch prune --blobs', 'Keep of each layer only what containers need'],
  ],
  handle: async ({values}, context) => {
    const filters = parsePruneFilters(values.filter ?? [], Date.now());
    const toolkit = await context.openToolkit();
    const {signal, onEvent} = context;
    const isDryRun = values['dry-run'] ?? false;
    const {all, blobs, partials} = values;
    const report = await toolkit.images.prune({...filters, all, blobs, partials, isDryRun, signal, onEvent});
    if (values.format === 'json') context.print(safeJson(report, 2));
    else printReport(report, isDryRun, context);
    return 0;
  },
});

function printReport(report: PruneReport, isDryRun: boolean, {print, remark}: CommandContext): void {
  const {untagged, deleted, droppedBlobs, freedBytes, busy} = report;
  if (freedBytes === null) {
    remark(`${nameBusy(busy)} is using the store: nothing was removed, try again later`);
    return;
  }
  for (const reference of untagged) print(`Untagged: ${safeText(reference)}`);
  for (const imageId of deleted) print(`Deleted: ${imageId}`);
  if (droppedBlobs > 0) print(`Dropped: ${droppedBlobs} compressed ${droppedBlobs === 1 ? 'layer' : 'layers'}`);
  print(`Total ${isDryRun ? 'reclaimable' : 'reclaimed'} space: ${humanBytes(freedBytes)}`);
}
