/** A measured stretch of time. */
export interface Span {
  readonly name: string;
  /** What it is part of the work on. */
  readonly category: 'command' | 'request' | 'blob' | 'layer' | 'store' | 'pause';
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number;
  /** Milliseconds; 0 for what only happened. */
  readonly durationMs: number;
  /** Of one category, spans on the same track contain or follow each other. */
  readonly track: string;
  /** Never a secret, nor the query of a URL. `error` is the code of what ended it. */
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

/** Receives spans as they end, inner ones first. Never awaited. */
export type SpanSink = (span: Span) => void;

/** One message between winch and a host, or what is known about it; secrets and the queries of URLs are masked (`***`). */
export type WireRecord =
  | {
      readonly type: 'wire:request';
      /** The same for the reply. */
      readonly exchange: number;
      readonly method: string;
      readonly url: string;
      readonly headers: WireHeaders;
      /** What is sent: `1234 bytes`, or the names in a form. */
      readonly body: string | null;
    }
  | {
      readonly type: 'wire:response';
      readonly exchange: number;
      readonly status: number;
      readonly durationMs: number;
      readonly headers: WireHeaders;
    }
  | {
      readonly type: 'wire:failed';
      readonly exchange: number;
      readonly durationMs: number;
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly type: 'wire:credential';
      readonly registry: string;
      /** `the command line`, a path, or `docker-credential-<name> (<path>)`. */
      readonly source: string;
      readonly kind: string;
    };

export type WireHeaders = Readonly<Record<string, string>>;

/** Receives records as they happen. Never awaited. */
export type WireSink = (record: WireRecord) => void;

/** Who watches what winch does; nothing is measured and nothing written down for nobody. */
export interface Watchers {
  readonly onSpan?: SpanSink | undefined;
  readonly onWire?: WireSink | undefined;
}

/** The time as spans have it. */
export const spanClock = (): number => performance.timeOrigin + performance.now();

/** Does some work and tells how long it took, also when it fails. */
export async function measure<T>(
  onSpan: SpanSink,
  span: Pick<Span, 'name' | 'category' | 'track'> & Partial<Pick<Span, 'details'>>,
  work: () => Promise<T>,
): Promise<T> {
  const startMs = spanClock();
  let details = span.details ?? {};
  try {
    return await work();
  } catch (error) {
    details = {...details, error: errorCode(error)};
    throw error;
  } finally {
    onSpan({...span, startMs, durationMs: spanClock() - startMs, details});
  }
}

/** What a trace says about a failure. */
export function errorCode(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'ERROR';
}
