import type {WinchEvent} from '../../events.ts';
import {describeHolder} from '../../host/find-lock-holder.ts';
import {humanBytes, humanDuration, shortDigest} from './human.ts';
import {safeText} from './safe-text.ts';

type EventOf<T extends WinchEvent['type']> = Extract<WinchEvent, {readonly type: T}>;

const WORD_OF_UPLOAD = {present: 'already there', mounted: 'mounted from another repository'} as const;

/** One line about a step worth a line, escaped; null for events that only move something on. */
export function describeEvent(event: WinchEvent): string | null {
  return describeTransfer(event) ?? describeOther(event);
}

/** Whether a line about the event stays on a terminal, where bars show the rest. */
export const isLasting = ({type}: WinchEvent): boolean =>
  ['image:stored', 'image:copied', 'host:paused', 'request:retrying', 'mirror:failed', 'warning:raised'].includes(type);

/** Whether an event only gives the terminal to a container, or takes it back: nobody writes a line about it. */
export const handsOver = ({type}: WinchEvent): boolean =>
  ['container:started', 'container:exited', 'container:abandoned', 'exec:started'].includes(type);

function describeTransfer(event: WinchEvent): string | null {
  switch (event.type) {
    case 'blob:waiting':
      return `${shortDigest(event.digest)}: ${describeWait(event)}`;
    case 'blob:resumed':
      return describeResumption(event);
    case 'blob:present':
      return `${shortDigest(event.digest)}: already here`;
    case 'blob:stored':
      return `${shortDigest(event.digest)}: ${event.from === 'cache' ? 'restored' : 'downloaded'} ${humanBytes(event.size)}`;
    case 'upload:finished':
      return describeUpload(event);
    case 'request:retrying':
      return describeRetry(event);
    case 'host:paused':
      return describePause(event);
    case 'mirror:failed':
      return `${safeText(event.registry)}: the mirror ${safeText(event.mirror)} is passed over: ${safeText(event.reason)}`;
    default:
      return null;
  }
}

function describeOther(event: WinchEvent): string | null {
  switch (event.type) {
    case 'manifest:resolved':
      return describeManifest(event);
    case 'layer:indexed':
      return `${shortDigest(event.digest)}: indexed ${event.entries} files, ${humanBytes(event.unpackedBytes)}`;
    case 'layer:extracting':
      return `${shortDigest(event.diffId)}: extracting`;
    case 'image:stored':
      return describeImage(event);
    case 'image:copied':
      return describeCopy(event);
    case 'bundle:copying':
      return `${safeText(event.directory)}: copying the root file system`;
    case 'files:copying':
      return `${safeText(event.destination)}: copying files`;
    case 'warning:raised':
      return `warning: ${safeText(event.code)}: ${safeText(event.message)}`;
    default:
      return null;
  }
}

/** Whom a download waits for. */
export const describeWait = ({holder}: EventOf<'blob:waiting'>): string =>
  `waiting for ${holder ? describeHolder(holder) : 'another download'}`;

const describeResumption = ({digest, offset, totalBytes}: EventOf<'blob:resumed'>): string =>
  `${shortDigest(digest)}: continues at ${humanBytes(offset)} of ${humanBytes(totalBytes)}`;

function describeUpload({digest, size, outcome}: EventOf<'upload:finished'>): string {
  const word = outcome === 'uploaded' ? `uploaded ${humanBytes(size)}` : WORD_OF_UPLOAD[outcome];
  return `${shortDigest(digest)}: ${word}`;
}

function describeRetry({host, reason, attempt, delayMs}: EventOf<'request:retrying'>): string {
  const again = `trying again${delayMs > 0 ? ` in ${humanDuration(delayMs / 1000)}` : ''} (${attempt})`;
  return `${safeText(host)}: ${safeText(reason)}: ${again}`;
}

const describePause = ({host, reason, delayMs}: EventOf<'host:paused'>): string =>
  `${safeText(host)} asks for a pause of ${humanDuration(delayMs / 1000)} (${safeText(reason)}): waiting, now and whenever it asks again`;

function describeManifest(event: EventOf<'manifest:resolved'>): string {
  const bytes = event.layers.reduce((sum, layer) => sum + layer.size, 0);
  const layers = event.layers.length === 1 ? '1 layer' : `${event.layers.length} layers`;
  const found = `${shortDigest(event.digest)} for ${safeText(event.platform)}`;
  return `${safeText(event.reference)}: found ${found}, ${layers}, ${humanBytes(bytes)}`;
}

function describeImage(event: EventOf<'image:stored'>): string {
  const outcome = event.changed ? 'stored' : 'up to date';
  return `${safeText(event.reference)}: ${outcome}, received ${humanBytes(event.receivedBytes)}`;
}

function describeCopy({source, target, changed, sentBytes}: EventOf<'image:copied'>): string {
  const outcome = changed ? 'copied' : 'up to date';
  return `${safeText(source)} → ${safeText(target)}: ${outcome}, sent ${humanBytes(sentBytes)}`;
}
