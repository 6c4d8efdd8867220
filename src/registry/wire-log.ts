import {isWinchError} from '../errors.ts';
import {spanClock, type WireSink} from '../trace.ts';
import {createMask, type Mask} from './mask.ts';
import type {Transport, TransportRequest} from './transport.ts';

/**
 * Tells of every exchange of a transport. No secret leaves: of unknown headers and of queries only the names are told,
 * of forms and tokens nothing, and what was sent as a secret is masked wherever a host repeats it.
 */
export function withWireLog(transport: Transport, onWire: WireSink): Transport {
  const mask = createMask();
  let count = 0;
  return {
    send: async (request) => {
      const exchange = ++count;
      mask.learn(request);
      onWire({type: 'wire:request', exchange, ...describeRequest(request, mask)});
      const startMs = spanClock();
      try {
        const response = await transport.send(request);
        const {status} = response;
        const headers = mask.headers(response.headers);
        onWire({type: 'wire:response', exchange, status, durationMs: spanClock() - startMs, headers});
        return response;
      } catch (error) {
        const [code, message] = isWinchError(error) ? [error.code, mask.text(error.message)] : ['ERROR', 'aborted'];
        onWire({type: 'wire:failed', exchange, durationMs: spanClock() - startMs, code, message});
        throw error;
      }
    },
    close: () => transport.close(),
  };
}

const describeRequest = ({url, method = 'GET', headers = {}, form, body}: TransportRequest, mask: Mask) => ({
  method,
  url: mask.url(url),
  headers: mask.headers(headers),
  body: form ? `a form of ${[...form.keys()].join(', ')}` : body ? `${body.bytes} bytes` : null,
});
