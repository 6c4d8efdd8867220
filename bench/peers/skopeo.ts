import type {PeerDefinition, ServedImage} from './peer.ts';

export const skopeo: PeerDefinition = {
  name: 'skopeo',
  probe: ['--version'],
  open({words, version, directory, removeDirectory}) {
    const copy = ({name, reference}: ServedImage) => {
      const [source, target] = [`docker://${reference}`, `oci:${directory}:${name}`];
      return [...words, 'copy', '-q', '--src-tls-verify=false', source, target];
    };
    return {
      name: 'skopeo',
      version,
      note: 'copies to an OCI layout and unpacks nothing',
      commands: {
        version: [...words, '--version'],
        pull: copy,
        fetch: copy,
      },
      reset: () => removeDirectory(directory),
    };
  },
};
