import {join} from 'node:path';
import type {PeerDefinition} from './peer.ts';

const INFLATE = join(import.meta.dirname, '../inflate.ts');

/** The floor of whatever runs on Node: its own start, and its gunzip of what a pull cannot spread over cores. */
export const node: PeerDefinition = {
  name: 'node',
  words: [process.execPath],
  probe: ['--version'],
  open({words, version}) {
    return {
      name: 'node',
      version,
      note: 'the floors: `node -e 0`, and gunzip alone of the largest layer',
      commands: {
        version: [...words, '-e', '0'],
        pullFloor: ({largestLayerFile}) => [...words, INFLATE, largestLayerFile],
      },
      reset: async () => {},
    };
  },
};
