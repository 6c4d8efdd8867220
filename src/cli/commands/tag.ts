import {choice, flag} from '../arguments/option-table.ts';
import {argumentsInvalid, flagsConflict} from '../arguments/usage-error.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {safeJson, safeText} from '../render/safe-text.ts';
import {renderTagHistory} from '../render/tag-history.ts';

/** `winch tag` */
export const tagCommand = defineCommand({
  name: 'tag',
  summary: 'Give an image of the store another name, or see and undo what a name stood for',
  description: 'A name that stood for another image is moved; --history shows what it stood for, --undo moves it back.',
  positionals: {usage: 'SOURCE TARGET | NAME', minimum: 1, maximum: 2, images: 1},
  options: {
    history: flag('Show what NAME stood for, and when'),
    undo: flag('Let NAME stand for what it stood for before, or bring back a removed one'),
    format: choice(['json'], 'Print the history as JSON', {short: 'f'}),
  },
  examples: [
    ['winch tag alpine:3.20 registry.example/base:today', 'Both names stand for the same image'],
    ['winch tag --history alpine:latest', 'What the tag named, newest first'],
    ['winch tag --undo alpine:latest', 'Back to the image from before the last pull'],
  ],
  handle: async ({values, positionals}, context) => {
    const {history, undo, format} = values;
    checkUsage({history: history ?? false, undo: undo ?? false}, positionals);
    if (format !== undefined && !history) throw flagsConflict('--format belongs to --history', 'give both of them');
    const [source = '', target = ''] = positionals;
    if (history) await printHistory(source, format, context);
    else if (undo) await undoTag(source, context);
    else await (await context.openToolkit()).images.tag(source, target);
    return 0;
  },
});

function checkUsage({history, undo}: {history: boolean; undo: boolean}, words: readonly string[]): void {
  if (history && undo) throw flagsConflict('--history and --undo exclude one another', 'give one of them');
  const takesName = history || undo;
  if (words.length === (takesName ? 1 : 2)) return;
  throw takesName
    ? argumentsInvalid('winch tag: too many arguments', `write winch tag ${history ? '--history' : '--undo'} NAME`)
    : argumentsInvalid('winch tag: too few arguments', 'write winch tag SOURCE TARGET; see winch tag --help');
}

async function printHistory(name: string, format: string | undefined, context: CommandContext): Promise<void> {
  const toolkit = await context.openToolkit();
  const moves = await toolkit.images.tagHistory(name);
  context.print(format === 'json' ? safeJson(moves, 2) : renderTagHistory(moves, new Date()));
}

async function undoTag(name: string, context: CommandContext): Promise<void> {
  const toolkit = await context.openToolkit();
  const {reference, digest} = await toolkit.images.undoTag(name);
  context.print(`${safeText(reference)}: ${digest}`);
}
