import {startHttpServer} from '../../src/http-server/http-server.ts';
import {createRegistryService} from '../../src/registry-api/registry-service.ts';
import {openTestStore, type TestStore} from '../helpers/open-store.ts';

export interface ServedRegistry extends AsyncDisposable {
  readonly store: TestStore;
  /** `127.0.0.1:port`. */
  readonly host: string;
  /** `http://127.0.0.1:port/v2`. */
  readonly origin: string;
  /** What went wrong inside of the server. */
  readonly bugs: readonly unknown[];
  /** What it warns of: code and message. */
  readonly warnings: readonly string[];
  /** What it says of itself to other registries. */
  readonly userAgent: string;
}

const USER_AGENT = 'winch/1.2.3 (registry of a test)';

/** Serves a store of its own as a registry; disposing of it ends the server and removes the store. */
export async function serveTestRegistry(): Promise<ServedRegistry> {
  const store = await openTestStore({userAgent: USER_AGENT, retryPolicy: {budgetMs: 0}});
  const bugs: unknown[] = [];
  const warnings: string[] = [];
  const images = await store.toolkit.images.openReadThrough({
    onEvent: (event) => {
      if (event.type === 'warning:raised') warnings.push(`${event.code}: ${event.message}`);
    },
  });
  const service = createRegistryService({
    images,
    places: [{type: 'port', host: '127.0.0.1', port: 0, tls: null}],
    userAgent: USER_AGENT,
    onBug: (error) => void bugs.push(error),
  });
  const server = await startHttpServer({services: [service], idleTimeoutMs: null});
  const host = (server.addresses[0] ?? '').replace('tcp://', '');
  return {
    ...{store, host, origin: `http://${host}/v2`, bugs, warnings, userAgent: USER_AGENT},
    [Symbol.asyncDispose]: async () => {
      server.close();
      await server.closed;
      await images.close();
      await store[Symbol.asyncDispose]();
    },
  };
}
