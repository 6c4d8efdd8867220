import {join} from 'node:path';
import type {Words} from '../command.ts';
import type {PeerDefinition} from './peer.ts';

/** The first release whose `--ulimit` knows `host`. */
const ULIMIT_HOST_MAJOR = 5;

export const podman: PeerDefinition = {
  name: 'podman',
  probe: ['--version'],
  open({words, version, directory, removeDirectory}) {
    const places = ['--root', join(directory, 'root'), '--runroot', join(directory, 'run')];
    const stored = [...words, ...places, '--storage-driver', 'overlay', '--runtime', 'runc'];
    return {
      name: 'podman',
      version,
      note: 'with runc and the overlay driver',
      commands: {
        version: [...words, '--version'],
        pull: ({reference}) => [...stored, 'pull', '-q', '--tls-verify=false', reference],
        run: ({reference}) => [
          ...[...stored, 'run', '--rm', '--network', 'none', ...ulimits(version)],
          ...[reference, 'true'],
        ],
        remove: ({reference}) => [...stored, 'rmi', '-f', reference],
      },
      reset: () => removeDirectory(directory),
    };
  },
};

/** Podman raises limits above the host's by default, which fails without CAP_SYS_RESOURCE. */
function ulimits(version: string): Words {
  const isHostKnown = Number.parseInt(version, 10) >= ULIMIT_HOST_MAJOR;
  return isHostKnown ? ['--ulimit', 'host'] : ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
}
