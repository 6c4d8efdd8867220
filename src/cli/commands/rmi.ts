import type {RemovalReport} from '../../images/remove.ts';
import {flag} from '../arguments/option-table.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {humanBytes} from '../render/human.ts';
import {remarkKept} from '../render/kept.ts';
import {safeText} from '../render/safe-text.ts';

/** `winch rmi` */
export const rmiCommand = defineCommand({
  name: 'rmi',
  summary: 'Remove images, and what no other image needs',
  description: 'All of the named images are removed, or none.',
  positionals: {usage: 'IMAGE...', minimum: 1, images: Number.POSITIVE_INFINITY},
  options: {force: flag('Remove an image with all its tags, and one that a container runs', {short: 'f'})},
  examples: [
    ['winch rmi alpine:3.20', 'By name'],
    ['winch rmi -f 4cb8d1e9a1f2', 'By id, with every tag'],
  ],
  handle: async ({values, positionals}, context) => {
    await context.becomeRootOfStore();
    const toolkit = await context.openToolkit();
    const {signal, onEvent} = context;
    printReport(await toolkit.images.remove(positionals, {force: values.force ?? false, signal, onEvent}), context);
    return 0;
  },
});

function printReport(report: RemovalReport, {print, remark}: CommandContext): void {
  const {untagged, deleted, freedBytes} = report;
  for (const reference of untagged) print(`Untagged: ${safeText(reference)}`);
  for (const imageId of deleted) print(`Deleted: ${imageId}`);
  if (deleted.length > 0) remark(`freed ${humanBytes(freedBytes)}`);
  remarkKept(report, remark);
}
