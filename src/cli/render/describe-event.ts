import type {WinchEvent} from '../../events.ts';
import {humanBytes, shortDigest} from './human.ts';
import {safeText} from './safe-text.ts';

/** One line about a finished step, escaped; null for events that finish nothing. */
export function describeEvent(event: WinchEvent): string | null {
  switch (event.type) {
    case 'manifest:resolved':
      return describeManifest(event);
    case 'blob:waiting':
      return `${shortDigest(event.digest)}: waiting for another download`;
    case 'blob:present':
      return `${shortDigest(event.digest)}: already here`;
    case 'blob:stored':
      return `${shortDigest(event.digest)}: downloaded ${humanBytes(event.size)}`;
    case 'layer:indexed':
      return `${shortDigest(event.digest)}: indexed ${event.entries} files, ${humanBytes(event.unpackedBytes)}`;
    case 'image:stored':
      return describeImage(event);
    case 'bundle:copying':
      return `${safeText(event.directory)}: copying the root file system`;
    case 'warning:raised':
      return `warning: ${safeText(event.code)}: ${safeText(event.message)}`;
    default:
      return null;
  }
}

function describeManifest(event: Extract<WinchEvent, {type: 'manifest:resolved'}>): string {
  const bytes = event.layers.reduce((sum, layer) => sum + layer.size, 0);
  const layers = event.layers.length === 1 ? '1 layer' : `${event.layers.length} layers`;
  const found = `${shortDigest(event.digest)} for ${safeText(event.platform)}`;
  return `${safeText(event.reference)}: found ${found}, ${layers}, ${humanBytes(bytes)}`;
}

function describeImage(event: Extract<WinchEvent, {type: 'image:stored'}>): string {
  const outcome = event.changed ? 'stored' : 'up to date';
  return `${safeText(event.reference)}: ${outcome}, received ${humanBytes(event.receivedBytes)}`;
}
