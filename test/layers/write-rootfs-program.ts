import {isWinchError} from '../../src/errors.ts';
import type {FileNode} from '../../src/layers/file-tree.ts';
import {type IndexedLayer, stackLayer} from '../../src/layers/read-layer-index.ts';
import {writeRootfs} from '../../src/layers/write-rootfs.ts';

/** A process of its own: writes layers as `rootfs` below a directory, and prints what was skipped, or an error's code. */
const [, , request = '', directory = ''] = process.argv;
let root: FileNode | null = null;
for (const layer of JSON.parse(request) as IndexedLayer[]) root = await stackLayer(root, layer);
if (!root) throw new Error('no layers');
try {
  process.stdout.write(JSON.stringify(await writeRootfs(root, {directory, name: 'rootfs'})));
} catch (error) {
  if (!isWinchError(error)) throw error;
  process.stdout.write(error.code);
}
