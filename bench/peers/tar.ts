import {join} from 'node:path';
import type {PeerDefinition} from './peer.ts';

const EXTRACT = `
  target=$1; shift; mkdir -p "$target"
  for layer; do $TAR -C "$target" --numeric-owner --xattrs -xpf "$layer" || exit; done`;

export const tar: PeerDefinition = {
  name: 'tar',
  probe: ['--version'],
  open({words, version, directory, removeDirectory}) {
    const bundle = join(directory, 'bundle');
    return {
      name: 'tar',
      version,
      note: 'extracts the layers one after the other, whiteouts as files',
      commands: {
        version: [...words, '--version'],
        unpack: ({layerFiles}) => ['env', `TAR=${words.join(' ')}`, 'sh', '-c', EXTRACT, 'sh', bundle, ...layerFiles],
      },
      load: async () => {},
      reset: async () => {},
      removeBundle: () => removeDirectory(bundle),
    };
  },
};
