import type {EventSink, WinchEvent} from '../../events.ts';
import {defineCommand} from '../command.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {OUTPUT_FLAG} from '../options/remote.ts';
import {writeResult} from '../output-file.ts';

const PROGRESS: readonly WinchEvent['type'][] = ['blob:started', 'blob:received', 'blob:stored'];

const quietly =
  (onEvent: EventSink): EventSink =>
  (event) => {
    if (!PROGRESS.includes(event.type)) onEvent(event);
  };

/** `winch blob get` */
export const blobGetCommand = defineCommand({
  name: 'blob get',
  summary: 'Print a blob of a repository: a layer, a config, a file of an artifact',
  description:
    'Fails when the bytes are not those of the digest: with --output there is no file then, on standard output they have ' +
    'been written by then.',
  positionals: {usage: 'REPOSITORY@DIGEST', minimum: 1, maximum: 1},
  options: {...OUTPUT_FLAG, ...REGISTRY_FLAGS},
  examples: [
    ['winch blob get -o layer.tar.gz alpine@sha256:…', 'To a file'],
    ['winch blob get alpine@sha256:… | tar tz', 'What a layer holds'],
  ],
  handle: async ({values, positionals: [reference = '']}, context) => {
    const toolkit = await context.openToolkit({references: [reference], registry: parseRegistryFlags(values)});
    const {signal} = context;
    // What is piped on is read at the other end's pace, and progress would stand between its lines.
    const onEvent = values.output === undefined || values.output === '-' ? quietly(context.onEvent) : context.onEvent;
    const blob = await toolkit.registries.openBlob(reference, {signal, onEvent});
    try {
      await writeResult(context, values.output, blob.content);
    } finally {
      blob.close();
    }
    return 0;
  },
});
