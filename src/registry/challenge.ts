/** One way to log in that a 401 offers. */
export interface Challenge {
  /** Lower case: `basic`, `bearer`. */
  readonly scheme: string;
  /** Names in lower case; the first of duplicates counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

const SEPARATORS = /[\s,]*/y;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const VALUE = /\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~0-9A-Za-z:/-]+))/y;
const TOKEN68 = /\s+[A-Za-z0-9._~+/-]+=*(?=\s*(?:,|$))/y;

/**
 * Reads a `WWW-Authenticate` header; several headers may have been joined by commas.
 *
 * Lenient with separators; whatever is not well formed ends the reading, and what came before counts.
 *
 * @see RFC 9110 §11.6.1
 */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: {scheme: string; parameters: Map<string, string>}[] = [];
  let position = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = position;
    const match = pattern.exec(header);
    if (match) position = pattern.lastIndex;
    return match;
  };
  while (true) {
    take(SEPARATORS);
    const name = take(TOKEN)?.[0].toLowerCase();
    if (name === undefined) return challenges;
    const value = take(VALUE);
    const current = challenges.at(-1);
    if (!value) {
      challenges.push({scheme: name, parameters: new Map()});
      take(TOKEN68);
    } else if (current && !current.parameters.has(name)) {
      current.parameters.set(name, value[1]?.replace(/\\(.)/g, '$1') ?? value[2] ?? '');
    }
  }
}
