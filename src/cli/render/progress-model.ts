import type {WinchEvent} from '../../events.ts';
import {monotonicMs} from '../../host/monotonic-ms.ts';
import {activityAfter, isCounting} from './activity.ts';
import {createRateMeter, type RateMeter} from './rate-meter.ts';

export interface Transfer extends Pace {
  readonly digest: string;
  readonly direction: 'download' | 'upload';
  /** Those of earlier attempts included. */
  readonly movedBytes: number;
  readonly totalBytes: number;
  /** Whether another process downloads it, and this one waits for that. */
  readonly isFollowed: boolean;
}

/** How fast, and how long yet. */
export interface Pace {
  /** Bytes per second over the last three seconds; bytes of earlier attempts do not count. */
  readonly rate: number;
  /** Null while there is no telling. */
  readonly etaSeconds: number | null;
}

/** What was announced in one direction; what needs no transfer counts as moved. */
export interface Amount {
  readonly blobs: number;
  readonly finished: number;
  readonly movedBytes: number;
  readonly bytes: number;
}

export interface Total extends Pace {
  readonly downloads: Amount;
  readonly uploads: Amount;
}

/** The state of all transfers, built up from events. */
export interface ProgressModel {
  apply(event: WinchEvent): void;
  /** What is going on, for a spinner; null once there is nothing to wait for. */
  activity(): string | null;
  /** Whether it is told by how far it has come, and no blobs are on their way. */
  isCounting(): boolean;
  /** Blobs on their way, oldest first. */
  transfers(): readonly Transfer[];
  /** Of one blob on its way. */
  pace(direction: Transfer['direction'], digest: string): Pace;
  /** Over all images that were resolved. */
  total(): Total;
}

export function createProgressModel(now: () => number = monotonicMs): ProgressModel {
  const all = createRateMeter(now);
  const downloads = createLane('download', {all, now});
  const uploads = createLane('upload', {all, now});
  let activity: string | null = null;
  let last: WinchEvent | null = null;
  return {
    apply: (event) => {
      activity = activityAfter(event, activity);
      last = event;
      applyToDownloads(event, downloads);
      applyToUploads(event, uploads);
    },
    activity: () => activity,
    isCounting: () => last !== null && isCounting(last),
    transfers: () => [...downloads.transfers(), ...uploads.transfers()],
    pace: (direction, digest) => (direction === 'download' ? downloads : uploads).pace(digest),
    total: () => {
      const amounts = {downloads: downloads.amount(), uploads: uploads.amount()};
      const missing = missingBytes(amounts.downloads) + missingBytes(amounts.uploads);
      return {...amounts, ...paceOf(all, missing)};
    },
  };
}

function applyToDownloads(event: WinchEvent, lane: Lane): void {
  if (event.type === 'manifest:resolved') for (const {digest, size} of event.layers) lane.announce(digest, size);
  if (event.type === 'blob:waiting') lane.follow(event.digest);
  if (event.type === 'blob:started') lane.start(event.digest, {movedBytes: 0, totalBytes: event.totalBytes});
  if (event.type === 'blob:resumed') lane.resume(event.digest, event.offset, event.totalBytes);
  if (event.type === 'blob:received') lane.move(event.digest, event.receivedBytes, event.totalBytes);
  if (event.type === 'blob:present' || event.type === 'blob:stored') lane.finish(event.digest, event.size);
}

function applyToUploads(event: WinchEvent, lane: Lane): void {
  if (event.type === 'upload:started') lane.start(event.digest, {movedBytes: 0, totalBytes: event.totalBytes});
  if (event.type === 'upload:sent') lane.move(event.digest, event.sentBytes, event.totalBytes);
  if (event.type === 'upload:finished') lane.finish(event.digest, event.size);
}

interface Lane {
  announce(digest: string, bytes: number): void;
  follow(digest: string): void;
  start(digest: string, at: {readonly movedBytes: number; readonly totalBytes: number}): void;
  resume(digest: string, movedBytes: number, totalBytes: number): void;
  move(digest: string, movedBytes: number, totalBytes: number): void;
  finish(digest: string, bytes: number): void;
  transfers(): readonly Transfer[];
  pace(digest: string): Pace;
  amount(): Amount;
}

interface Active extends Omit<Transfer, 'rate' | 'etaSeconds' | 'direction'> {
  readonly meter: RateMeter;
  /** The bytes that its first report since it began was about; null before. */
  readonly firstBytes: number | null;
}

/** The transfers of one direction. */
function createLane(
  direction: Transfer['direction'],
  {all, now}: {readonly all: RateMeter; readonly now: () => number},
): Lane {
  const active = new Map<string, Active>();
  const finished = new Set<string>();
  const sizes = new Map<string, number>();
  const begin = (digest: string, parts: Omit<Active, 'meter' | 'digest' | 'firstBytes'>): Active => {
    const meter = active.get(digest)?.meter ?? createRateMeter(now);
    const transfer = {digest, ...parts, meter, firstBytes: null};
    active.set(digest, transfer);
    for (const each of [meter, all]) each.add(0);
    return transfer;
  };
  return {
    announce: (digest, bytes) => void sizes.set(digest, bytes),
    follow: (digest) => void begin(digest, {movedBytes: 0, totalBytes: sizes.get(digest) ?? 0, isFollowed: true}),
    start: (digest, at) => {
      sizes.set(digest, at.totalBytes);
      begin(digest, {...at, isFollowed: false});
    },
    move: (digest, movedBytes, totalBytes) => {
      sizes.set(digest, totalBytes);
      const known = active.get(digest);
      // What another process had before is not its speed.
      const isJoined = known === undefined || (known.isFollowed && known.movedBytes === 0);
      const before = isJoined ? begin(digest, {movedBytes, totalBytes, isFollowed: known !== undefined}) : known;
      for (const each of [before.meter, all]) each.add(Math.max(0, movedBytes - before.movedBytes));
      active.set(digest, {...before, movedBytes, totalBytes, firstBytes: before.firstBytes ?? movedBytes});
    },
    resume: (digest, movedBytes, totalBytes) => {
      const known = active.get(digest);
      // What is read again from an earlier attempt may be reported before it is known to be that.
      if (known && !known.isFollowed && known.firstBytes === movedBytes) {
        for (const each of [known.meter, all]) each.discount(movedBytes);
      }
      sizes.set(digest, totalBytes);
      begin(digest, {movedBytes, totalBytes, isFollowed: false});
    },
    finish: (digest, bytes) => {
      active.delete(digest);
      finished.add(digest);
      sizes.set(digest, bytes);
    },
    transfers: () => [...active.values()].map((each) => ({...withoutMeter(each), direction, ...paceOfActive(each)})),
    pace: (digest) => paceOfActive(active.get(digest)),
    amount: () => amountOf({active, finished, sizes}),
  };
}

const withoutMeter = ({meter: _, firstBytes: __, ...rest}: Active) => rest;

const paceOfActive = (active: Active | undefined): Pace =>
  active ? paceOf(active.meter, active.totalBytes - active.movedBytes) : {rate: 0, etaSeconds: null};

function paceOf(meter: RateMeter, missing: number): Pace {
  const rate = meter.rate();
  return {rate, etaSeconds: rate > 0 ? Math.max(0, missing) / rate : null};
}

interface LaneState {
  readonly active: ReadonlyMap<string, Active>;
  readonly finished: ReadonlySet<string>;
  readonly sizes: ReadonlyMap<string, number>;
}

function amountOf({active, finished, sizes}: LaneState): Amount {
  let movedBytes = 0;
  let bytes = 0;
  for (const [digest, size] of sizes) {
    bytes += size;
    movedBytes += finished.has(digest) ? size : (active.get(digest)?.movedBytes ?? 0);
  }
  return {blobs: sizes.size, finished: finished.size, movedBytes, bytes};
}

const missingBytes = ({movedBytes, bytes}: Amount): number => bytes - movedBytes;
