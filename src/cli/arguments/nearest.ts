const LARGEST_DISTANCE = 2;

/**
 * The candidate that `word` was most likely meant to be, or null.
 *
 * At most two slips apart (a slip is one character missing, added, wrong or swapped with its neighbour), and fewer slips
 * than the word has characters to get right.
 */
export function findNearest(word: string, candidates: Iterable<string>): string | null {
  let nearest: string | null = null;
  let smallest = Math.min(LARGEST_DISTANCE, Math.floor(word.length / 2)) + 1;
  for (const candidate of candidates) {
    const distance = countSlips(word, candidate);
    if (distance >= smallest) continue;
    smallest = distance;
    nearest = candidate;
  }
  return nearest;
}

// Optimal string alignment: rows are prefixes of `from`, columns prefixes of `to`.
function countSlips(from: string, to: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({length: to.length + 1}, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const isSame = from[row - 1] === to[column - 1];
      const isSwap = row > 1 && column > 1 && from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      current[column] = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (isSame ? 0 : 1),
        isSwap ? at(beforePrevious, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    beforePrevious = previous;
    previous = current;
  }
  return at(previous, to.length);
}

const at = (row: readonly number[], column: number): number => row[column] ?? Number.POSITIVE_INFINITY;
