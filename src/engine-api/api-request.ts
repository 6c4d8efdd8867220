import type {IncomingHttpHeaders} from 'node:http';
import {WinchError} from '../errors.ts';
import {untilAborted} from '../host/until-aborted.ts';
import {parseStrictJson} from '../oci/strict-json.ts';
import type {Credential} from '../registry/credentials.ts';
import type {Toolkit} from '../toolkit.ts';
import type {ClientStream} from './client-stream.ts';
import type {ExecInstances} from './exec-instances.ts';
import type {OpenStreams} from './open-streams.ts';

/** What the handlers of a server work with. */
export interface ApiContext {
  readonly toolkit: Toolkit;
  /** A toolkit on the same store that shows a credential to some registries (`host[:port]`), for one request. */
  openToolkitWith(given: {readonly registries: readonly string[]; readonly credential: Credential}): Promise<Toolkit>;
  /** Of this server. */
  readonly execs: ExecInstances;
  readonly streams: OpenStreams;
  /** Of winch. */
  readonly version: string;
}

/** A request whose route was found. */
export interface ApiRequest {
  /** The parts of the path that the route leaves open, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** To be read once. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Aborted when the client is gone, or the server ends. */
  readonly signal: AbortSignal;
}

type Headers = Readonly<Record<string, string>>;

export type ApiReply =
  | {readonly type: 'empty'; readonly status: number; readonly headers?: Headers}
  | {readonly type: 'text'; readonly text: string; readonly headers?: Headers}
  | {readonly type: 'json'; readonly status?: number; readonly value: unknown}
  /** The head is sent at once, so that the client knows that it is waited for. */
  | {readonly type: 'late-json'; readonly value: Promise<unknown>}
  /** A line of JSON for each value, as it comes; what goes wrong later is the last of them. */
  | {readonly type: 'lines'; readonly values: AsyncIterable<unknown>}
  | {
      readonly type: 'bytes';
      readonly contentType: string;
      readonly headers?: Headers;
      readonly content: AsyncIterable<Uint8Array>;
      /** Called at the end, also when nothing could be sent. */
      readonly close?: () => unknown;
    };

export type Handler = (context: ApiContext, request: ApiRequest) => Promise<ApiReply> | ApiReply;

/**
 * Answers a request that leaves HTTP: what is wrong with it is thrown, the rest is a conversation on the bare connection,
 * which the client may end on its side first.
 */
export type Hijack = (context: ApiContext, request: ApiRequest) => Promise<Conversation | EmptyReply>;

export type EmptyReply = Extract<ApiReply, {type: 'empty'}>;

export interface Conversation {
  readonly type: 'conversation';
  /** That of a request for a web socket; absent: the connection is bare. */
  readonly webSocketKey?: string;
  readonly contentType: string;
  converse(client: ClientStream): Promise<void>;
}

const BODY_LIMIT_BYTES = 4 * 1024 * 1024;
const BODY_TIMEOUT_MS = 60_000;
const YES = /^(?:1|true|yes|on)$/i;

/** A query's switch, as docker reads it. */
export const isSet = (query: URLSearchParams, name: string): boolean => YES.test(query.get(name) ?? '');

/** A parameter that the route has. */
export function parameterOf({parameters}: ApiRequest, name: string): string {
  const value = parameters[name];
  if (value === undefined) throw new Error(`the route has no parameter ${name}`);
  return value;
}

/**
 * The `filters` of a query: a JSON object whose members are lists, or objects whose names count.
 *
 * @throws {WinchError} `FILTER_INVALID`
 */
export function filtersOf(query: URLSearchParams): Readonly<Record<string, readonly string[]>> {
  const text = query.get('filters');
  if (!text) return {};
  const value = parseJson(Buffer.from(text), 'the filters of the query');
  if (!isRecord(value)) throw filterInvalid();
  return Object.fromEntries(Object.entries(value).map(([name, values]) => [name, valuesOf(values)]));
}

function valuesOf(values: unknown): readonly string[] {
  if (Array.isArray(values) && values.every((value) => typeof value === 'string')) return values;
  if (!isRecord(values)) throw filterInvalid();
  return Object.entries(values).flatMap(([value, counts]) => (counts === true ? value : []));
}

const filterInvalid = () =>
  new WinchError('FILTER_INVALID', 'the filters of the query are no object of lists', {kind: 'invalid'});

/**
 * A body of JSON, of 4 MiB at most; an empty one is `null`.
 *
 * @param timeoutMs For all of it.
 * @throws {WinchError} `BODY_INVALID` | `BODY_TOO_LARGE` | `BODY_TIMEOUT`
 */
export async function readJsonBody(
  {body, signal}: Pick<ApiRequest, 'body' | 'signal'>,
  timeoutMs = BODY_TIMEOUT_MS,
): Promise<unknown> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(bodyTimeout(timeoutMs)), timeoutMs);
  try {
    const bytes = await untilAborted(readBody(body), AbortSignal.any([signal, late.signal]));
    return bytes.length === 0 ? null : parseJson(bytes, 'the body');
  } finally {
    clearTimeout(timer);
  }
}

async function readBody(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > BODY_LIMIT_BYTES) {
      throw new WinchError('BODY_TOO_LARGE', `the body has more than ${BODY_LIMIT_BYTES} bytes`, {kind: 'invalid'});
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

const bodyTimeout = (timeoutMs: number) =>
  new WinchError('BODY_TIMEOUT', `the body of the request was not there after ${timeoutMs / 1000} s`, {
    kind: 'invalid',
  });

/** @throws {WinchError} `BODY_INVALID` */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  try {
    return parseStrictJson(bytes, {what, limitBytes: BODY_LIMIT_BYTES});
  } catch (error) {
    throw new WinchError('BODY_INVALID', `${what} cannot be read as JSON`, {kind: 'invalid', cause: error});
  }
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
