import type {Readable, Writable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import type {FileCall, TarCall} from '../containers/files/file-call.ts';
import type {ContainerPathStatus} from '../containers/files/path-status.ts';
import type {CallOptions} from '../events.ts';
import type {ContainerFileCalls} from './container-files.ts';

export interface FileCallStreams {
  readonly input: Readable;
  readonly output: Writable;
  /** Told when what is to be read is about to come on the output. */
  readonly onOpened: (opened: ContainerPathStatus | null) => void;
}

/** Does what somebody asks a process for who is not root. */
export function performFileCall(
  files: ContainerFileCalls,
  call: FileCall,
  {options, streams}: {readonly options: CallOptions; readonly streams: FileCallStreams},
): Promise<unknown> {
  switch (call.name) {
    case 'readTar':
    case 'export':
      return writeTar(files, call, {options, streams});
    case 'statPath':
      return files.statPath(call.source, options);
    case 'diff':
      return files.diff(call.container, options);
    case 'commit':
      return files.commit(call.container, {...call.options, ...options});
    case 'copyFrom':
      return files.copyFrom(call.copy, {...call.options, ...options});
    case 'copyTo':
      return files.copyTo({...call.copy, source: call.copy.source ?? streams.input}, {...call.options, ...options});
  }
}

async function writeTar(
  files: ContainerFileCalls,
  call: TarCall,
  {options, streams}: {readonly options: CallOptions; readonly streams: FileCallStreams},
): Promise<null> {
  const opened = await openTar(files, call, options);
  try {
    streams.onOpened(opened.status);
    await pipeline(opened.content, streams.output, {signal: options.signal, end: false});
    return null;
  } finally {
    opened.close();
  }
}

async function openTar(files: ContainerFileCalls, call: TarCall, options: CallOptions) {
  if (call.name === 'readTar') return await files.readTar(call.source, {...call.options, ...options});
  return {...(await files.export(call.container, options)), status: null};
}
