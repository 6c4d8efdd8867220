import {DatabaseSync} from 'node:sqlite';
import {setTimeout as sleep} from 'node:timers/promises';

/** A process of its own: begins to write to a database, says so, and does not end it. */
const database = new DatabaseSync(process.argv[2] ?? '');
database.exec('BEGIN IMMEDIATE');
process.stdout.write('writing\n');
await sleep(60_000);
database.close();
