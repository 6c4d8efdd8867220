import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {StackName} from './network-mode.ts';

/** In memory, in the container's directory: the process of the program. */
export const STACK_PID_FILE = 'network.pid';

/** The programs that there are, the better one first. */
export const STACKS: readonly {readonly name: StackName; readonly debianPackage: string}[] = [
  {name: 'pasta', debianPackage: 'passt'},
  {name: 'slirp4netns', debianPackage: 'slirp4netns'},
];

export const stackFailed = (name: StackName, said: string): WinchError =>
  new WinchError('NETWORK_FAILED', `${name}: ${excerpt(said.trim().split('\n').at(-1) || 'it ended without a word')}`, {
    kind: 'runtime',
    hint: 'winch doctor tells what users lack for networks; without one of its own a container has that of the machine',
  });
