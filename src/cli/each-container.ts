import type {CommandContext} from './command.ts';
import {safeText} from './render/safe-text.ts';

/**
 * Does the same with several containers at once and prints a line for each, in the order given.
 *
 * @param act Returns a number to be printed; anything else: the container is printed as it was given.
 * @throws what failed, all of it, after the others are done.
 */
export async function eachContainer(
  containers: readonly string[],
  {print}: CommandContext,
  act: (container: string) => Promise<unknown>,
): Promise<void> {
  const attempt = async (container: string) => {
    try {
      const result = await act(container);
      return {line: typeof result === 'number' ? String(result) : safeText(container)};
    } catch (error) {
      return {error};
    }
  };
  const failures: unknown[] = [];
  for (const outcome of containers.map(attempt)) {
    const {line, error} = {line: null, error: null, ...(await outcome)};
    if (line === null) failures.push(error);
    else print(line);
  }
  if (failures.length > 1) throw new AggregateError(failures);
  if (failures.length === 1) throw failures[0];
}
