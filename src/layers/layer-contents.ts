import {closeSync, constants, fstatSync, openSync, readSync, writeSync} from 'node:fs';
import {WinchError} from '../errors.ts';

/** The content of a file: where it lies in which of several layer files. */
export interface ContentPlace {
  readonly layer: number;
  /** Bytes. */
  readonly offset: number;
  readonly size: number;
}

export interface LayerContents extends Disposable {
  /**
   * Writes a file's content to an open file.
   *
   * @throws {WinchError} `STORE_CORRUPT`: the layer file is no file, or ends before
   */
  copy(place: ContentPlace, fd: number): void;
}

/** One read brings the content of many small files, which lie side by side in a layer. */
const WINDOW_BYTES = 256 * 1024;
/** An image may have hundreds of layers, and a process few open files. */
const OPEN_LIMIT = 16;
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

interface Reading {
  readonly paths: readonly string[];
  /** Open layer files by their numbers, the longest open first. */
  readonly open: Map<number, number>;
  readonly window: Buffer;
  windowLayer: number;
  windowStart: number;
  windowEnd: number;
  readonly onCopied: (bytes: number) => void;
}

/** Reads content out of layer files. `onCopied` hears of the bytes of each piece, and throws to stop. */
export function openLayerContents(paths: readonly string[], onCopied: (bytes: number) => void): LayerContents {
  const reading: Reading = {
    ...{paths, open: new Map(), window: Buffer.allocUnsafeSlow(WINDOW_BYTES)},
    ...{windowLayer: -1, windowStart: 0, windowEnd: 0, onCopied},
  };
  return {
    copy: (place, fd) => {
      if (place.size > WINDOW_BYTES) copyLarge(reading, place, fd);
      else copySmall(reading, place, fd);
    },
    [Symbol.dispose]: () => {
      for (const fd of reading.open.values()) closeSync(fd);
    },
  };
}

function copySmall(reading: Reading, {layer, offset, size}: ContentPlace, fd: number): void {
  const {windowStart: start, windowEnd: end} = reading;
  if (reading.windowLayer !== layer || offset < start || offset + size > end) fillWindow(reading, layer, offset);
  if (offset + size > reading.windowEnd) throw cutOff(reading.paths[layer]);
  writeAll(fd, reading.window, offset - reading.windowStart, size);
  reading.onCopied(size);
}

function fillWindow(reading: Reading, layer: number, offset: number): void {
  const {window} = reading;
  const count = readSync(openLayer(reading, layer), window, 0, window.length, offset);
  reading.windowLayer = layer;
  reading.windowStart = offset;
  reading.windowEnd = offset + count;
}

function copyLarge(reading: Reading, {layer, offset, size}: ContentPlace, fd: number): void {
  for (let done = 0; done < size; ) {
    fillWindow(reading, layer, offset + done);
    const count = Math.min(size - done, reading.windowEnd - reading.windowStart);
    if (count === 0) throw cutOff(reading.paths[layer]);
    writeAll(fd, reading.window, 0, count);
    done += count;
    reading.onCopied(count);
  }
}

function writeAll(fd: number, bytes: Buffer, start: number, length: number): void {
  for (let done = 0; done < length; ) done += writeSync(fd, bytes, start + done, length - done);
}

function openLayer({paths, open}: Reading, layer: number): number {
  const known = open.get(layer);
  if (known !== undefined) return known;
  const [oldest] = open.size < OPEN_LIMIT ? [] : open;
  if (oldest) {
    open.delete(oldest[0]);
    closeSync(oldest[1]);
  }
  const path = paths[layer] ?? '';
  const fd = openSync(path, FLAGS);
  open.set(layer, fd);
  if (!fstatSync(fd).isFile()) throw cutOff(path);
  return fd;
}

const cutOff = (path = ''): WinchError =>
  new WinchError('STORE_CORRUPT', `the layer file ${path} is cut off`, {
    kind: 'corrupt',
    hint: 'find out what else is damaged, and have it repaired',
  });
