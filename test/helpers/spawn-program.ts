import {text} from 'node:stream/consumers';
import {openToolkit} from '../../src/toolkit.ts';

/** Spawns a container with the library, prints what it prints, and removes its image. Words: store, runtime, image. */
const [root = '', runtimeDirectory = '', image = ''] = process.argv.slice(2);
await using toolkit = await openToolkit({root, runtimeDirectory});
const container = {command: ['stat', '-c', '%u', '/srv'], network: 'none'} as const;
await using spawned = await toolkit.containers.spawn({image, container});
const [output, {exitCode}] = await Promise.all([text(spawned.stdout), spawned.finished]);
process.stdout.write(`${output}${exitCode}\n`);
await toolkit.images.remove([image]);
