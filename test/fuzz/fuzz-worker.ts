import {parentPort, workerData} from 'node:worker_threads';
import {fuzzLayers} from './fuzz-layers.ts';
import type {WatchedFuzz} from './watch-fuzz.ts';

const {progress, ...options} = workerData as WatchedFuzz & {readonly progress: Int32Array};
const onInput = (index: number) => void Atomics.store(progress, 0, index);
parentPort?.postMessage(await fuzzLayers({...options, onInput}));
