import {readGrowingFile} from '../host/growing-file.ts';
import {answerRequests} from '../host/worker-protocol.ts';
import type {LayerWork} from './layer-pool.ts';
import {type LayerFault, verifyLayerFile} from './verify-layer.ts';
import {type WrittenLayer, writeLayerFile} from './write-layer.ts';

answerRequests<LayerWork, WrittenLayer | LayerFault | null>(async (work, {signal}) => {
  if ('verify' in work) return verifyLayerFile(work.verify, {signal});
  // A refused layer leaves its source waiting for bytes that nobody needs any more.
  const done = new AbortController();
  const source = readGrowingFile(work.view, {signal: AbortSignal.any([signal, done.signal])});
  try {
    return await writeLayerFile(source, work.path, {...work.options, signal});
  } finally {
    done.abort();
  }
});
