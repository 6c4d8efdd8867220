import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {openToolkit, type Toolkit, type ToolkitOptions} from '../../src/toolkit.ts';

export interface TestStore extends AsyncDisposable {
  readonly root: string;
  readonly toolkit: Toolkit;
  /** A second toolkit on the same store, as another process would have. */
  open(options?: Partial<ToolkitOptions>): Promise<Toolkit>;
}

/** As the command takes it, so that every suite can run with either driver. */
const SNAPSHOTTER = process.env.WINCH_SNAPSHOTTER as ToolkitOptions['snapshotter'];

/** A store of its own in a temporary directory; disposing of it closes every toolkit and removes it. */
export async function openTestStore(options: Partial<ToolkitOptions> = {}): Promise<TestStore> {
  const directory = await mkdtemp(join(tmpdir(), 'winch-test-'));
  const root = join(directory, 'store');
  const opened: Toolkit[] = [];
  const open = async (more: Partial<ToolkitOptions> = {}): Promise<Toolkit> => {
    const toolkit = await openToolkit({
      root,
      runtimeDirectory: join(directory, 'run'),
      snapshotter: SNAPSHOTTER,
      ...options,
      ...more,
    });
    opened.push(toolkit);
    return toolkit;
  };
  return {
    root,
    toolkit: await open(),
    open,
    [Symbol.asyncDispose]: async () => {
      for (const toolkit of opened) await toolkit.close();
      await rm(directory, {recursive: true, force: true});
    },
  };
}
