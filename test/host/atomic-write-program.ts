import {readdirSync, readFileSync} from 'node:fs';
import {isWinchError} from '../../src/errors.ts';
import {writeFileAtomic} from '../../src/host/atomic-write.ts';

/** A process of its own on a small disk: writes a small and a too large file, and says what is there then. */
const write = async (bytes: number): Promise<string> => {
  try {
    await writeFileAtomic('file', Buffer.alloc(bytes, 'x'), {durability: 'full', mode: 0o600});
    return 'written';
  } catch (error) {
    return isWinchError(error) ? error.code : String(error);
  }
};
const outcomes = [await write(1000), await write(200_000)];
process.stdout.write(JSON.stringify({outcomes, names: readdirSync('.'), bytes: readFileSync('file').length}));
