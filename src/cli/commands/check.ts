import type {CheckReport} from '../../images/check/check.ts';
import {flag} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG} from '../options/image.ts';
import {explainDamages, renderCheckReport} from '../render/check-report.ts';
import {humanBytes} from '../render/human.ts';

const EXIT_DAMAGED = 6;

/** `winch check` */
export const checkCommand = defineCommand({
  name: 'check',
  summary: 'Look for damage in the store, and repair it',
  description:
    'Holds the files against the database: there, of the right size, mode and head. What has other bytes in the same ' +
    'place is found by --deep. Ends with 6 when something is damaged and was not made good; what no image needs ' +
    '(extra) is no damage.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    ...FORMAT_FLAG,
    deep: flag('Read every byte: blobs by digest, layers by their tar and index'),
    repair: flag('Write layers again, download blobs again, drop images that are lost'),
  },
  examples: [
    ['winch check', 'Every day'],
    ['winch check --deep --repair', 'After a power cut, or on a disk in doubt'],
  ],
  handle: async ({values}, context) => {
    await context.becomeRootOfStore();
    const toolkit = await context.openToolkit();
    const {signal, onEvent} = context;
    const {deep, repair} = values;
    const report = await toolkit.images.check({deep, repair, signal, onEvent});
    const text = renderCheckReport(report, values.format);
    if (text !== '') context.print(text);
    if (!repair) for (const line of explainDamages(report)) context.remark(line);
    context.remark(summarize(report));
    return report.isClean ? 0 : EXIT_DAMAGED;
  },
});

function summarize({findings, repairs, isClean, checkedFiles, checkedBytes, droppedBlobs}: CheckReport): string {
  const dropped = droppedBlobs > 0 ? `; ${droppedBlobs} compressed layers are not kept` : '';
  const checked = `${checkedFiles} files with ${humanBytes(checkedBytes)}${dropped}`;
  const damages = findings.filter(({isDamage}) => isDamage).length;
  if (damages === 0) return `the store is sound: ${checked}`;
  const kept = repairs.filter(({outcome}) => outcome === 'kept').length;
  if (isClean) return `the store is sound again: ${count(damages)} in ${checked}`;
  if (repairs.length > 0) return `STORE_CORRUPT: ${count(kept)} left in ${checked}: repair again when that may help`;
  return `STORE_CORRUPT: ${count(damages)} in ${checked}: winch check --deep --repair makes good what it can`;
}

const count = (damages: number): string => (damages === 1 ? '1 damage' : `${damages} damages`);
