import {join} from 'node:path';
import type {PeerDefinition} from './peer.ts';

const BIN = join(import.meta.dirname, '../../bin/winch.js');

export const winch: PeerDefinition = {
  name: 'winch',
  words: [process.execPath, BIN],
  probe: ['--version'],
  open({words, version, directory, removeDirectory}) {
    const stored = [...words, '--root', join(directory, 'store')];
    const bundle = join(directory, 'bundle');
    return {
      name: 'winch',
      version,
      commands: {
        version: [...words, '--version'],
        pull: ({reference}) => [...stored, 'pull', '-q', reference],
        fetch: ({reference}) => [...stored, 'pull', '-q', '--download-only', '--durability', 'fast', reference],
        run: ({reference}) => [...stored, 'run', '--rm', '--network', 'none', reference, 'true'],
        unpack: ({reference}) => [...stored, 'bundle', reference, bundle],
        remove: ({reference}) => [...stored, 'rmi', reference],
      },
      reset: () => removeDirectory(directory),
      removeBundle: () => removeDirectory(bundle),
    };
  },
};
