import {createHash} from 'node:crypto';
import {mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {buildTar} from '../../fixtures/build-tar.ts';
import {isWinchError} from '../../src/errors.ts';
import {stackLayer} from '../../src/layers/read-layer-index.ts';
import {writeLayerFile} from '../../src/layers/write-layer.ts';
import {type SkippedFiles, writeRootfs} from '../../src/layers/write-rootfs.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {type HostileLayer, hostileLayers} from './hostile-layers.ts';
import {piecesOf} from './layer-fixture.ts';

/** What came of a row: the code of a refusal, or a layer file and the rootfs of an image that has it on top. */
export type RowOutcome =
  | {readonly refused: string}
  | {
      readonly warnings: readonly string[];
      /** The SHA-256 of the layer file. */
      readonly file: string;
      /** Below the directory. */
      readonly rootfs: string;
      readonly skipped: SkippedFiles;
    };

/** A process of its own: writes each row's layers below a directory, and prints what came of it, as JSON. */
const [, , directory = '', canary = ''] = process.argv;

async function readRow({base = [], layer, trailer}: HostileLayer, name: string): Promise<RowOutcome> {
  const place = join(directory, name);
  mkdirSync(place, {mode: 0o700});
  const write = async (tar: Buffer, file: string) => {
    const path = join(place, file);
    const options = {expectedDiffId: digestOf(tar), durability: 'fast'} as const;
    return {...(await writeLayerFile(piecesOf(tar), path, options)), path};
  };
  try {
    const below = await write(buildTar(base), 'base');
    const top = await write(buildTar(layer, trailer === undefined ? {} : {trailer}), 'layer');
    const root = await stackLayer(await stackLayer(null, below), top);
    const skipped = await writeRootfs(root, {directory: place, name: 'rootfs'});
    const file = createHash('sha256').update(readFileSync(top.path)).digest('hex');
    return {warnings: top.warnings, file, rootfs: join(name, 'rootfs'), skipped};
  } catch (error) {
    if (isWinchError(error) && error.kind === 'refused') return {refused: error.code};
    throw error;
  }
}

const outcomes: RowOutcome[] = [];
for (const [index, row] of hostileLayers(canary).entries()) outcomes.push(await readRow(row, `${index}`));
process.stdout.write(JSON.stringify(outcomes));
