import {join} from 'node:path';
import {openStore, type Store} from '../../src/store/store.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

export interface SampleStore extends Disposable {
  readonly root: string;
  readonly store: Store;
  /** A second handle on the same store, as another process would have. */
  open(): Store;
}

/** A store in a directory of its own that does not exist yet. */
export function openSampleStore(): SampleStore {
  const directory = makeTemporaryDirectory();
  const root = join(directory.path, 'store');
  const opened: Store[] = [];
  const open = () => {
    const store = openStore({root, durability: 'fast'});
    opened.push(store);
    return store;
  };
  return {
    root,
    store: open(),
    open,
    [Symbol.dispose]: () => {
      for (const store of opened) store.close();
      directory[Symbol.dispose]();
    },
  };
}

/** Bytes in pieces, as a download yields them. */
export async function* stream(...chunks: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}
