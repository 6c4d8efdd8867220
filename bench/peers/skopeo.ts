import type {PeerDefinition} from './peer.ts';

export const skopeo: PeerDefinition = {
  name: 'skopeo',
  probe: ['--version'],
  open({words, version, directory, removeDirectory}) {
    return {
      name: 'skopeo',
      version,
      note: 'copies to an OCI layout and unpacks nothing',
      commands: {
        version: [...words, '--version'],
        pull: ({name, reference}) => {
          const [source, target] = [`docker://${reference}`, `oci:${directory}:${name}`];
          return [...words, 'copy', '-q', '--src-tls-verify=false', source, target];
        },
      },
      reset: () => removeDirectory(directory),
    };
  },
};
