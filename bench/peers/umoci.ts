import {join} from 'node:path';
import type {PeerDefinition} from './peer.ts';

export const umoci: PeerDefinition = {
  name: 'umoci',
  probe: ['--version'],
  open({words, version, directory, removeDirectory}) {
    const bundle = join(directory, 'bundle');
    return {
      name: 'umoci',
      version,
      note: 'unpacks from an OCI layout on disk',
      commands: {
        version: [...words, '--version'],
        unpack: ({layout, name}) => [...words, 'unpack', '--image', `${layout}:${name}`, bundle],
      },
      load: async () => {},
      reset: async () => {},
      removeBundle: () => removeDirectory(bundle),
    };
  },
};
