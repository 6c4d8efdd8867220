import {statSync} from 'node:fs';
import {basename, join} from 'node:path';
import type {PeerDefinition, ServedImage} from './peer.ts';

const FLOOR = join(import.meta.dirname, '../floor.ts');

/** The floor of whatever runs on Node: its own start, and a pull that keeps nothing. */
export const node: PeerDefinition = {
  name: 'node',
  words: [process.execPath],
  probe: ['--version'],
  open({words, version}) {
    return {
      name: 'node',
      version,
      note: 'the floors: `node -e 0`, and a pull that only downloads, inflates and hashes',
      commands: {
        version: [...words, '-e', '0'],
        pullFloor: (image) => [...words, FLOOR, ...blobsOf(image)],
      },
      reset: async () => {},
    };
  },
};

/** Host, repository and the digests of its layers, the largest first: the longest job begins at once. */
function blobsOf({reference, layerFiles}: ServedImage): readonly string[] {
  const [, host = '', repository = ''] = /^([^/]+)\/(.+):[^:]+$/.exec(reference) ?? [];
  const largestFirst = layerFiles.toSorted((one, other) => statSync(other).size - statSync(one).size);
  return [host, repository, ...largestFirst.map((file) => `sha256:${basename(file)}`)];
}
