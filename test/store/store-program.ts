import {isWinchError} from '../../src/errors.ts';
import {listImages} from '../../src/store/image-records.ts';
import {openStore} from '../../src/store/store.ts';

/** A process of its own: says what can be done with the store in its directory. */
const store = openStore({root: process.cwd(), durability: 'fast'});
const outcome = async (work: () => unknown): Promise<unknown> => {
  try {
    return await work();
  } catch (error) {
    return isWinchError(error) ? error.code : String(error);
  }
};
const found = {
  read: await outcome(() => store.read(listImages, []).length),
  write: await outcome(() => store.write(() => 'written')),
  lease: await outcome(() => store.lease().then(() => 'held')),
  collectGarbage: await outcome(() => store.collectGarbage()),
};
process.stdout.write(JSON.stringify(found));
