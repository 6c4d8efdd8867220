const EXCERPT_CHARACTERS = 120;

/** Text from outside, quoted and cut to 120 characters, to stand in a one-line message. Escaping is the printer's task. */
export const excerpt = (text: string): string =>
  text.length <= EXCERPT_CHARACTERS ? `"${text}"` : `"${text.slice(0, EXCERPT_CHARACTERS)}…"`;
