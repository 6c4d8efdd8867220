import {readGrowingFile} from '../host/growing-file.ts';
import {answerRequests} from '../host/worker-protocol.ts';
import type {LayerWork} from './layer-pool.ts';
import {type WrittenLayer, writeLayerFile} from './write-layer.ts';

answerRequests<LayerWork, WrittenLayer>(async ({view, path, options}, {signal}) => {
  // A refused layer leaves its source waiting for bytes that nobody needs any more.
  const done = new AbortController();
  const source = readGrowingFile(view, {signal: AbortSignal.any([signal, done.signal])});
  try {
    return await writeLayerFile(source, path, {...options, signal});
  } finally {
    done.abort();
  }
});
