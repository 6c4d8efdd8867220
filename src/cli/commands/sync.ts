import {WinchError} from '../../errors.ts';
import type {SyncedTag, SyncOutcome} from '../../images/copy/sync.ts';
import {parseReference} from '../../oci/reference.ts';
import {choice, flag, list} from '../arguments/option-table.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {CONTENT_FLAGS, openOptions, parseContentFlags, parseSideFlags, SIDE_FLAGS} from '../options/copy.ts';
import {humanBytes} from '../render/human.ts';
import {safeJson, safeText} from '../render/safe-text.ts';

/** `winch sync` */
export const syncCommand = defineCommand({
  name: 'sync',
  summary: 'Bring the tags of one repository to another',
  description:
    'A pattern is a glob (1.*-alpine) or a range of versions (semver:>=1.2 <2). A tag that is up to date costs one look at each side. Tags that only the target has stay.',
  positionals: {usage: 'SOURCE-REPOSITORY TARGET-REPOSITORY', minimum: 2, maximum: 2},
  options: {
    include: list('PATTERN', 'Only tags that match'),
    exclude: list('PATTERN', 'No tags that match'),
    'skip-existing': flag('No tags that the target has, whatever they lead to'),
    'dry-run': flag('Only say what would be copied'),
    'keep-going': flag('Go on with the other tags after a failure'),
    format: choice(['json'], 'Print the tags as JSON', {short: 'f'}),
    ...CONTENT_FLAGS,
    ...SIDE_FLAGS,
  },
  examples: [
    ['winch sync quay.io/org/app registry.example/app', 'All tags with all platforms'],
    ["winch sync --include 'semver:>=1.20' --exclude '*-rc*' a.example/app b.example/app", 'Some of them'],
    ['winch sync --dry-run a.example/app b.example/app', 'How much that would be'],
  ],
  handle: async ({values, positionals: [source = '', target = '']}, context) => {
    const registries = [source, target].map((name) => parseReference(name.replace(/^docker:\/\//, '')).registry);
    const {signal, onEvent, environment} = context;
    const options = {
      ...parseContentFlags(values),
      ...parseSideFlags(values, environment),
      ...{include: values.include, exclude: values.exclude, skipExisting: values['skip-existing']},
      ...{dryRun: values['dry-run'], keepGoing: values['keep-going'], signal, onEvent},
    };
    const {images} = await context.openToolkit(openOptions(values, registries));
    const outcomes: SyncOutcome[] = [];
    for await (const outcome of images.sync({source, target}, options)) {
      outcomes.push(outcome);
      if (values.format !== 'json' && 'digest' in outcome) context.print(describeTag(outcome, options.dryRun ?? false));
    }
    report(outcomes, {isDryRun: options.dryRun ?? false, isJson: values.format === 'json'}, context);
    return 0;
  },
});

function describeTag({tag, digest, changed, bytes}: SyncedTag, isDryRun: boolean): string {
  const moved = isDryRun ? `to copy, ${humanBytes(bytes)}` : `copied, ${humanBytes(bytes)}`;
  return `${safeText(tag)}  ${digest}  ${changed || bytes > 0 ? moved : 'up to date'}`;
}

interface Report {
  readonly isDryRun: boolean;
  readonly isJson: boolean;
}

function report(outcomes: readonly SyncOutcome[], {isDryRun, isJson}: Report, {print, remark}: CommandContext): void {
  const synced = outcomes.filter((outcome) => 'digest' in outcome);
  const failed = outcomes.filter((outcome) => 'error' in outcome);
  if (isJson) print(safeJson(synced, 2));
  const moved = synced.filter(({changed, bytes}) => changed || bytes > 0);
  const bytes = humanBytes(moved.reduce((sum, outcome) => sum + outcome.bytes, 0));
  remark(`${moved.length} of ${outcomes.length} tags ${isDryRun ? 'to copy' : 'copied'}, ${bytes}`);
  if (failed.length === 0) return;
  const summary = new WinchError('SYNC_INCOMPLETE', `${failed.length} of ${outcomes.length} tags failed`, {
    kind: 'unavailable',
    hint: failed.map(({tag}) => tag).join(', '),
  });
  throw new AggregateError([summary, ...failed.map(({error}) => error)]);
}
