import {readOutput} from '../command.ts';
import type {PeerDefinition} from './peer.ts';

const NAMESPACE = 'winch-bench';
const CONTAINER = 'winch-bench-run';

export const ctr: PeerDefinition = {
  name: 'ctr',
  probe: ['version'],
  open({words, version}) {
    const stored = [...words, '-n', NAMESPACE];
    return {
      name: 'ctr',
      version,
      note: 'containerd, in a namespace of its own',
      hasDaemon: true,
      commands: {
        version: [...words, '--version'],
        pull: ({reference}) => [...stored, 'images', 'pull', '--plain-http', reference],
        run: ({reference}) => [...stored, 'run', '--rm', reference, CONTAINER, 'true'],
        remove: ({reference}) => [...stored, 'images', 'rm', '--sync', reference],
      },
      reset: async () => {
        // All of them: those of a series that was killed came from a registry of another port.
        const images = (await readOutput([...stored, 'images', 'ls', '-q'])).split('\n').filter((name) => name !== '');
        if (images.length > 0) await readOutput([...stored, 'images', 'rm', '--sync', ...images]);
        // A pull that was killed leaves a lease of a day, and what it holds would be pulled by nobody.
        const leases = (await readOutput([...stored, 'leases', 'ls', '-q'])).split('\n').filter((id) => id !== '');
        if (leases.length > 0) await readOutput([...stored, 'leases', 'rm', '--sync', ...leases]);
        await readOutput([...stored, 'content', 'prune', 'references']);
      },
      leave: async () => {
        await readOutput([...words, 'namespaces', 'rm', NAMESPACE]);
      },
    };
  },
};
