import type {IncomingMessage, ServerResponse} from 'node:http';
import {WinchError} from '../errors.ts';
import type {HttpService} from '../http-server/http-server.ts';
import {tlsRequired} from '../http-server/listen.ts';
import type {ListenPlace} from '../http-server/listen-place.ts';
import type {ReadThrough} from '../images/read-through/open-read-through.ts';
import {answerRequest} from './answer-request.ts';
import {errorReply} from './registry-error.ts';
import {sendReply} from './registry-reply.ts';

export interface RegistryServiceOptions {
  readonly images: ReadThrough;
  readonly places: readonly ListenPlace[];
  /**
   * What `images` tell registries about who asks. A request that says the same has gone round in a circle, by a mirror that
   * is this service, and nothing is fetched for it.
   */
  readonly userAgent: string;
  /** Told what went wrong inside of a request that winch has no message for. */
  readonly onBug: (error: unknown) => void;
}

/** This machine, as clients on it name it; any other name was made to lead here by somebody else. */
const OWN_NAMES = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i;

/**
 * Stored images, read-only, as a registry (distribution-spec v1.1.1); see `ReadThrough`. Who may connect gets whatever
 * this user may pull, so a port without TLS is for this machine alone.
 *
 * @throws {WinchError} `TLS_REQUIRED`
 */
export function createRegistryService({places, ...options}: RegistryServiceOptions): HttpService {
  for (const place of places) {
    if (place.type === 'port' && place.tls === null && !LOOPBACK.test(place.host)) throw tlsRequired(place.host);
  }
  const isPlain = places.some((place) => place.type === 'port' && place.tls === null);
  return {
    places,
    onRequest: (request, response, ending) => void answer({...options, isPlain, ending}, request, response),
  };
}

interface Answering extends Omit<RegistryServiceOptions, 'places'> {
  readonly isPlain: boolean;
  readonly ending: AbortSignal;
}

async function answer(answering: Answering, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const {images, userAgent, isPlain, ending, onBug} = answering;
  const gone = new AbortController();
  response.once('close', () => gone.abort(new WinchError('CLIENT_GONE', 'the client is gone', {kind: 'interrupted'})));
  response.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
  try {
    if (isPlain) requireOwnName(request);
    const signal = AbortSignal.any([gone.signal, ending]);
    const mayFetch = request.headers['user-agent'] !== userAgent;
    await sendReply(response, await answerRequest(images, request, {signal, mayFetch}));
  } catch (error) {
    if (!(error instanceof WinchError) && !gone.signal.aborted) onBug(error);
    await refuse(response, error);
  }
}

async function refuse(response: ServerResponse, error: unknown): Promise<void> {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  await sendReply(response, errorReply(error));
}

/** A page in a browser could otherwise have a name of its own lead here, and read what this user may pull. */
function requireOwnName({headers}: IncomingMessage): void {
  if (OWN_NAMES.test(headers.host ?? '')) return;
  throw new WinchError('HOST_REFUSED', 'only this machine is served, under its own name', {
    kind: 'denied',
    hint: 'ask 127.0.0.1 or localhost',
  });
}
