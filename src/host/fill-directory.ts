import {join} from 'node:path';
import {type AtomicWriteOptions, syncDirectory, writeSynced} from './atomic-write.ts';
import {storageError} from './storage-error.ts';

/**
 * Writes files into a directory that nobody else looks into yet. With `full` durability they and all names in it survive a
 * power cut once this resolves.
 *
 * @param files Texts by name; what has such a name is replaced.
 * @throws {WinchError} as `writeFileAtomic`
 */
export async function fillDirectory(
  directory: string,
  files: Readonly<Record<string, string>>,
  options: Pick<AtomicWriteOptions, 'durability' | 'mode'>,
): Promise<void> {
  try {
    const write = ([name, text]: readonly [string, string]) =>
      writeSynced(join(directory, name), Buffer.from(text), {...options, flag: 'w'});
    // At once: the file system makes all of them durable in one step.
    await Promise.all(Object.entries(files).map(write));
    if (options.durability === 'full') await syncDirectory(directory);
  } catch (error) {
    throw storageError(error, directory);
  }
}
