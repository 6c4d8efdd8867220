import {resolve} from 'node:path';
import type {EventSink} from '../../events.ts';
import type {SaveOptions} from '../../images/archives/save.ts';
import type {Images} from '../../toolkit.ts';
import {choice} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {CONTENT_FLAGS, parseContentFlags} from '../options/copy.ts';
import {OUTPUT_FLAG} from '../options/remote.ts';
import {writeResult} from '../output-file.ts';

const {platform, 'all-platforms': allPlatforms} = CONTENT_FLAGS;

/** `winch save` */
export const saveCommand = defineCommand({
  name: 'save',
  summary: 'Write images of the store to an archive',
  description:
    'Several images make one archive, with the names that are given here. Every digest stays. An oci-archive is one for docker load as well, unless layers are packed by zstd.',
  positionals: {usage: 'IMAGE...', minimum: 1, images: Number.POSITIVE_INFINITY},
  options: {
    ...OUTPUT_FLAG,
    format: choice(['oci-archive', 'docker-archive', 'oci-dir'], 'What to write', {defaultsTo: 'oci-archive'}),
    platform,
    'all-platforms': allPlatforms,
  },
  examples: [
    ['winch save -o app.tar app:1 alpine', 'Two images in one archive'],
    ['winch save app:1 | ssh host docker load', 'To another machine'],
    ['winch save --format oci-dir -o layout app:1', 'Into a directory that umoci and skopeo read'],
  ],
  handle: async ({values, positionals}, context) => {
    const {output, format = 'oci-archive'} = values;
    const given = parseContentFlags(values);
    const isPiped = output === undefined || output === '-';
    if (format === 'oci-dir' ? isPiped : isPiped && context.environment.stdoutIsTerminal()) throw outputMissing(format);
    const {images} = await context.openToolkit();
    const {signal} = context;
    const options = {...given, signal, onEvent: isPiped ? withoutUploads(context.onEvent) : context.onEvent};
    if (format !== 'oci-dir')
      await saveArchive(images, {names: positionals, options: {...options, format}, output}, context);
    else await images.saveDirectory({names: positionals, directory: outputPath(output, context)}, options);
    return 0;
  },
});

interface ArchiveRequest {
  readonly names: readonly string[];
  readonly options: SaveOptions;
  readonly output: string | undefined;
}

async function saveArchive(images: Images, {names, options, output}: ArchiveRequest, context: CommandContext) {
  const archive = await images.save(names, options);
  try {
    await writeResult(context, output, archive.content);
  } finally {
    await archive.close();
  }
}

/** What is piped on is read at the other end's pace, and progress would stand between its lines. */
const withoutUploads =
  (onEvent: EventSink): EventSink =>
  (event) => {
    if (!event.type.startsWith('upload:')) onEvent(event);
  };

const outputPath = (output = '', {environment}: CommandContext): string =>
  resolve(environment.workingDirectory(), output);

const outputMissing = (format: string) =>
  format === 'oci-dir'
    ? flagsConflict('--format oci-dir needs a directory', 'name it with --output')
    : flagsConflict('an archive is nothing for a terminal', 'name a file with --output, or pipe it on');
