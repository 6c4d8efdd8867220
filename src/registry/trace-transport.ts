import {errorCode, type Span, type SpanSink, spanClock} from '../trace.ts';
import type {ExchangeTimings, Transport, TransportRequest, TransportResponse} from './transport.ts';

/**
 * Measures every exchange of a transport: the whole of it until its body is read, and within that the name lookup, the
 * connection, the TLS handshake, the sending, the wait for the first byte and the body.
 */
export function withTrace(transport: Transport, onSpan: SpanSink): Transport {
  let count = 0;
  return {
    send: async (request) => {
      const exchange = openExchange(request, String(++count), onSpan);
      try {
        return watchBody(await transport.send(request), exchange);
      } catch (error) {
        exchange.end({error: errorCode(error)});
        throw error;
      }
    },
    close: () => transport.close(),
  };
}

interface TracedExchange {
  /** Tells of it, once. */
  end(details: Span['details'], timings?: ExchangeTimings): void;
}

function openExchange({url, method = 'GET', body}: TransportRequest, track: string, onSpan: SpanSink): TracedExchange {
  const startMs = spanClock();
  let hasEnded = false;
  return {
    end: (details, timings) => {
      if (hasEnded) return;
      hasEnded = true;
      const endMs = spanClock();
      const frame = {category: 'request', track} as const;
      for (const phase of phasesOf(timings, {startMs, endMs})) onSpan({...frame, ...phase, details: {}});
      const name = `${method} ${url.host}${url.pathname}`;
      const known = {method, host: url.host, path: url.pathname, ...(body && {sentBytes: body.bytes})};
      onSpan({...frame, name, startMs, durationMs: endMs - startMs, details: {...known, ...details}});
    },
  };
}

function watchBody(response: TransportResponse, exchange: TracedExchange): TransportResponse {
  let bytes = 0;
  const {status, timings} = response;
  const end = (more: Span['details'] = {}) =>
    exchange.end({status, bytes, ...(timings && {reused: timings.isReused}), ...more}, timings);
  return {
    ...response,
    body: {
      async *[Symbol.asyncIterator]() {
        try {
          for await (const chunk of response.body) {
            bytes += chunk.length;
            yield chunk;
          }
        } catch (error) {
          end({error: errorCode(error)});
          throw error;
        } finally {
          end();
        }
      },
    },
    discard: async () => {
      await response.discard();
      end();
    },
    close: () => {
      response.close();
      end();
    },
  };
}

/** Times of the operating system's clock have whole milliseconds, so they are kept within the exchange. */
function phasesOf(timings: ExchangeTimings | undefined, {startMs, endMs}: {startMs: number; endMs: number}) {
  if (!timings) return [];
  const {isReused, socket, lookup, connect, secureConnect, upload, response} = timings;
  const ends: readonly (readonly [name: string, end: number | undefined])[] = [
    ['queue', socket],
    ['dns', isReused ? undefined : lookup],
    ['connect', isReused ? undefined : connect],
    ['tls', isReused ? undefined : secureConnect],
    ['send', upload],
    ['wait', response],
    ['body', response === undefined ? undefined : endMs],
  ];
  let from = startMs;
  return ends.flatMap(([name, end]) => {
    if (end === undefined) return [];
    const phase = {name, startMs: from, durationMs: Math.max(0, Math.min(end, endMs) - from)};
    from = phase.startMs + phase.durationMs;
    return phase.durationMs > 0 || name === 'tls' ? [phase] : [];
  });
}
