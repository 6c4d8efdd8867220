import {basename} from 'node:path';
import {askRuntime} from './ask-runtime.ts';

/**
 * Whether a runtime can keep a container that has ended, of which nobody learns otherwise that it wanted memory. Debian
 * 12's crun (1.8) runs nothing with that flag, Debian 13's (1.21) knows it.
 */
export const knowsKeep = (runtimePath: string): boolean =>
  basename(runtimePath) === 'runc' || /--keep(?![\w-])/.test(askRuntime(runtimePath, ['run', '--help']));
