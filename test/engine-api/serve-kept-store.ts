import * as assert from 'uvu/assert';
import {type KeptStore, openKeptStore} from '../containers/kept/kept-store.ts';
import {type Served, serveStore} from './serve-store.ts';

export interface ServedKeptStore extends Served {
  readonly store: KeptStore;
}

/** Serves a store of containers of its own; disposing of it asserts that nothing has gone wrong inside of the server. */
export async function serveKeptStore(): Promise<ServedKeptStore> {
  const store = await openKeptStore();
  const served = await serveStore(store);
  return {
    ...{...served, store},
    [Symbol.asyncDispose]: async () => {
      assert.equal(served.bugs, []);
      await served[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}
