import type {WinchEvent} from '../../events.ts';
import {describeWait} from './describe-event.ts';
import {humanBytes} from './human.ts';

/** What is going on after an event, for a spinner; null once there is nothing to wait for. */
export function activityAfter(event: WinchEvent, before: string | null): string | null {
  switch (event.type) {
    case 'reference:resolving':
      return `looking for ${event.reference}`;
    case 'manifest:resolved':
      return `pulling ${event.reference}`;
    case 'blob:waiting':
      return describeWait(event);
    case 'bundle:copying':
      return `copying files to ${event.directory}`;
    case 'files:copying':
      return `copying files to ${event.destination}`;
    case 'image:stored':
    case 'image:copied':
    case 'container:started':
    case 'exec:started':
      return null;
    default:
      return countingLine(event) ?? before;
  }
}

/** Whether an event tells how far something has come that is no transfer. */
export const isCounting = (event: WinchEvent): boolean => countingLine(event) !== null;

function countingLine(event: WinchEvent): string | null {
  switch (event.type) {
    case 'archive:reading':
      return `reading ${amountLine(event.readBytes, event.totalBytes)}: ${event.archive}`;
    case 'archive:packing':
      return `packing ${amountLine(event.packedBytes, event.totalBytes)}: ${event.archive}`;
    case 'bundle:written':
      return `writing ${event.entries} of ${event.totalEntries} files, ${amountLine(event.bytes, event.totalBytes)}: ${event.directory}`;
    case 'store:reading':
      return `checking the store: ${amountLine(event.readBytes, event.totalBytes)}`;
    default:
      return null;
  }
}

const amountLine = (bytes: number, total: number | null): string =>
  total === null ? humanBytes(bytes) : `${humanBytes(bytes)} of ${humanBytes(total)}`;
