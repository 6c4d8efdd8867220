import {setTimeout as sleep} from 'node:timers/promises';
import {createLeasedDirectory} from '../../src/host/leased-directories.ts';

/** A process of its own: leases a directory, says so, and lives until it is killed. */
const [, , parent = '', name = ''] = process.argv;
createLeasedDirectory(parent, name);
process.stdout.write('held\n');
await sleep(60_000);
