import {isWinchError} from '../../src/errors.ts';
import {openDatabase, openDatabaseForReading} from '../../src/store/database.ts';
import {listImages} from '../../src/store/image-records.ts';

/** A process of its own: counts the images of `winch.db` in its directory, then tries to delete them. */
const outcome = async (work: () => unknown): Promise<unknown> => {
  try {
    return await work();
  } catch (error) {
    return isWinchError(error) ? error.code : String(error);
  }
};
const read = await outcome(() => {
  const database = openDatabaseForReading('winch.db');
  return database && listImages(database).length;
});
const written = await outcome(async () => (await openDatabase('winch.db', 'fast')).run('DELETE FROM image_layer'));
process.stdout.write(JSON.stringify({read, written}));
