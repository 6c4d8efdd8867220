import type {WireHeaders, WireRecord} from '../../trace.ts';
import {safeText} from './safe-text.ts';

/** One line about a message on the wire, escaped. */
export function describeWire(record: WireRecord): string {
  switch (record.type) {
    case 'wire:request': {
      const body = record.body === null ? '' : `, ${record.body}`;
      return safeText(`> ${record.exchange} ${record.method} ${record.url}${headersText(record.headers)}${body}`);
    }
    case 'wire:response': {
      const {exchange, status, durationMs, headers} = record;
      return safeText(`< ${exchange} ${status} in ${Math.round(durationMs)} ms${headersText(headers)}`);
    }
    case 'wire:failed':
      return safeText(
        `< ${record.exchange} ${record.code} after ${Math.round(record.durationMs)} ms: ${record.message}`,
      );
    case 'wire:credential':
      return safeText(`* ${record.registry}: ${record.kind} from ${record.source}`);
  }
}

function headersText(headers: WireHeaders): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return lines.length === 0 ? '' : ` (${lines.join('; ')})`;
}
