import type {CallOptions} from '../events.ts';

export interface ReadArchive {
  /** For messages. */
  readonly name: string;
  /** Null: it is not known before its end. */
  readonly totalBytes: number | null;
}

/** No more often than a display can follow. */
const EVENT_BYTES = 4 * 1024 * 1024;

/** The same bytes; how many of them have come is told on the way. */
export async function* tellReading(
  bytes: AsyncIterable<Uint8Array>,
  {name: archive, totalBytes}: ReadArchive,
  {onEvent}: Pick<CallOptions, 'onEvent'>,
): AsyncGenerator<Uint8Array> {
  let [readBytes, told] = [0, 0];
  for await (const chunk of bytes) {
    readBytes += chunk.length;
    if (readBytes - told >= EVENT_BYTES) {
      told = readBytes;
      onEvent?.({type: 'archive:reading', archive, readBytes, totalBytes});
    }
    yield chunk;
  }
}
