import type {PeerDefinition} from './peer.ts';

export const crane: PeerDefinition = {
  name: 'crane',
  probe: ['version'],
  open({words, version}) {
    return {
      name: 'crane',
      version,
      note: 'asks for the digest and keeps nothing',
      commands: {
        version: [...words, 'version'],
        digest: ({reference}) => [...words, 'digest', '--insecure', reference],
      },
      reset: async () => {},
    };
  },
};
