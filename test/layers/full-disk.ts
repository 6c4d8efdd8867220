import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {buildTar} from '../../fixtures/build-tar.ts';
import {isWinchError} from '../../src/errors.ts';
import {enterPrivateMountNamespace, performMounts} from '../../src/host/mounts.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {writeLayerFile} from '../../src/layers/write-layer.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {piecesOf} from './layer-fixture.ts';

/** A process of its own: writes a layer to a disk of 1 MiB, and prints the error's code and what is left there. */
const [, , directory = ''] = process.argv;
const syscalls = loadSyscalls();
enterPrivateMountNamespace(syscalls);
performMounts(syscalls, [{type: 'tmpfs', target: directory, options: 'size=1m'}]);
// Threads of the pool are outside the namespace; entering by a descriptor works for all.
process.chdir(directory);
const tar = buildTar([{path: 'big', content: Buffer.alloc(2 * 2 ** 20)}]);
const options = {expectedDiffId: digestOf(tar), durability: 'full'} as const;
try {
  await writeLayerFile(piecesOf(tar), join('.', 'layer'), options);
} catch (error) {
  if (!isWinchError(error)) throw error;
  process.stdout.write(`${error.code} ${JSON.stringify(readdirSync('.'))}`);
}
