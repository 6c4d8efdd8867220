import {readOutput} from '../command.ts';
import type {PeerDefinition} from './peer.ts';

export const docker: PeerDefinition = {
  name: 'docker',
  probe: ['version', '--format', '{{.Server.Version}}'],
  open({words, version, images}) {
    return {
      name: 'docker',
      version,
      note: "dockerd's own store, emptied of the bench's images",
      hasDaemon: true,
      commands: {
        version: [...words, '--version'],
        pull: ({reference}) => [...words, 'pull', '-q', reference],
        run: ({reference}) => [...words, 'run', '--rm', '--network', 'none', reference, 'true'],
        remove: ({reference}) => [...words, 'rmi', '-f', reference],
      },
      reset: async () => {
        // `rmi -f` succeeds for an image that is not there.
        await readOutput([...words, 'rmi', '-f', ...images.map(({reference}) => reference)]);
      },
    };
  },
};
