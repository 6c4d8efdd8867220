import {request as startRequest} from 'node:http';
import {dirname, join} from 'node:path';
import {buffer} from 'node:stream/consumers';
import {type ApiServerOptions, startApiServer} from '../../src/engine-api/api-server.ts';
import type {HttpServer} from '../../src/http-server/http-server.ts';
import type {ListenPlace} from '../../src/http-server/listen-place.ts';
import {openTestStore, type TestStore} from '../helpers/open-store.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
  /** The body as JSON. */
  json(): unknown;
  /** Each line of the body as JSON. */
  lines(): readonly unknown[];
}

export interface Question {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface Served extends AsyncDisposable {
  readonly server: HttpServer;
  readonly socketPath: string;
  /** What went wrong inside of the server. */
  readonly bugs: readonly unknown[];
  /** @param line Method and path: `GET /images/json`. */
  ask(line: string, question?: Question): Promise<Answer>;
}

export interface ServedStore extends Served {
  readonly store: TestStore;
}

type StoreToServe = Pick<TestStore, 'root' | 'toolkit' | 'open'>;

/** Serves a store on a socket beside it; disposing of it ends the server. */
export async function serveStore(store: StoreToServe, options: Partial<ApiServerOptions> = {}): Promise<Served> {
  const socketPath = firstSocket(options.places) ?? join(dirname(store.root), 'winch.sock');
  const bugs: unknown[] = [];
  const server = await startApiServer({
    context: {toolkit: store.toolkit, openToolkitWith: (credential) => store.open({credential}), version: '1.2.3'},
    places: [{type: 'socket', path: socketPath, groupId: null}],
    idleTimeoutMs: null,
    onBug: (error) => void bugs.push(error),
    ...options,
  });
  return {
    ...{server, socketPath, bugs},
    ask: (line, question) => askSocket(socketPath, line, question),
    [Symbol.asyncDispose]: async () => {
      server.close();
      await server.closed;
    },
  };
}

const firstSocket = (places: readonly ListenPlace[] = []): string | undefined =>
  places.find((place) => place.type === 'socket')?.path;

/** As `serveStore`, with a store of its own that goes with it. */
export async function serveTestStore(options: Partial<ApiServerOptions> = {}): Promise<ServedStore> {
  const store = await openTestStore();
  try {
    const served = await serveStore(store, options);
    return {
      ...{...served, store},
      [Symbol.asyncDispose]: async () => {
        await served[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}

/** @param line Method and path: `GET /images/json`. */
export async function askSocket(
  socketPath: string,
  line: string,
  {headers = {}, body}: Question = {},
): Promise<Answer> {
  const [method, path] = line.split(' ');
  const request = startRequest({socketPath, method, path, headers, agent: false});
  const answered = new Promise<Answer>((resolve, reject) => {
    request.on('error', reject);
    request.on('response', async (response) => {
      try {
        const bytes = await buffer(response);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: bytes,
          json: () => JSON.parse(bytes.toString()),
          lines: () =>
            bytes
              .toString()
              .trim()
              .split('\r\n')
              .map((text) => JSON.parse(text)),
        });
      } catch (error) {
        reject(error);
      }
    });
  });
  request.end(body);
  return answered;
}
