import {Readable} from 'node:stream';
import type {Environment} from '../../src/cli/environment.ts';

/** An environment of a process that has nothing but what a test says. */
export const environmentOf = (parts: Partial<Environment> = {}): Environment => ({
  variables: {},
  userId: 1000,
  homeDirectory: '/home/somebody',
  workingDirectory: () => '/work/here',
  stdinIsTerminal: () => false,
  stdoutIsTerminal: () => false,
  openKeyboard: async () => null,
  ask: () => Promise.reject(new Error('nobody to ask')),
  readStandardInput: async () => Buffer.alloc(0),
  openStandardInput: () => Readable.from([]),
  ...parts,
});
