import {spawn} from 'node:child_process';
import {once} from 'node:events';

/** A mount namespace that lasts longer than one command. */
export interface MountNamespace extends AsyncDisposable {
  /** Words in front of a command line that run it in there. */
  readonly within: readonly string[];
}

/** Opens a mount namespace and mounts in it with a line of shell; `$1` … are `words`. */
export async function openMountNamespace(script: string, ...words: readonly string[]): Promise<MountNamespace> {
  const hold = `set -e; ${script}; echo ready; exec cat`;
  const child = spawn('unshare', ['--mount', 'sh', '-c', hold, 'sh', ...words], {stdio: ['pipe', 'pipe', 'inherit']});
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exited]);
  if (child.exitCode !== null) throw new Error(`the mount namespace could not be made: ${script}`);
  return {
    within: ['nsenter', `--target=${child.pid}`, '--mount', '--'],
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
