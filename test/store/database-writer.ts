import {setTimeout as sleep} from 'node:timers/promises';
import {openDatabase} from '../../src/store/database.ts';
import {addImage} from './sample-graph.ts';

/** A process of its own: opens a database at a given time, adds an image, and kills itself if asked to. */
const [, , path = '', name = '', startAt = '0', isKilled = ''] = process.argv;
await sleep(Math.max(1, Number(startAt) - Date.now()));
const database = await openDatabase(path, 'full');
database.transaction(() => addImage(database, {name, layers: 'ab'}));
if (isKilled) process.kill(process.pid, 'SIGKILL');
database.close();
