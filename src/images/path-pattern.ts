const TOKENS = /\*{2,}\/|\*{2,}|\*|\?|\[!?\]?[^\]]*\]|[^*?[]+|\[/g;

/** Whether a text is a pattern and not a path. */
export const isPathPattern = (text: string): boolean => /[*?[]/.test(text);

/**
 * Reads a pattern for paths: `*` and `?` stay within one name, `**` does not, `[a-z]` and `[!a-z]` are one character. A
 * pattern without a slash is about the last name of a path, any other about the whole path from the root on.
 */
export function compilePathPattern(pattern: string): (path: string) => boolean {
  const body = pattern.replace(TOKENS, translate);
  const isName = !pattern.includes('/');
  const expression = new RegExp(isName ? `/${body}$` : `^${pattern.startsWith('/') ? '' : '/'}${body}$`, 'su');
  return (path) => expression.test(path);
}

function translate(token: string): string {
  if (token === '*') return '[^/]*';
  if (token === '?') return '[^/]';
  if (token.startsWith('**')) return token.endsWith('/') ? '(?:[^/]+/)*' : '.*';
  return (token.length > 2 && token.startsWith('[') ? characterClass(token) : null) ?? escapeSyntax(token);
}

/** Null for a class that means nothing (`[z-a]`), whose characters then stand for themselves. */
function characterClass(token: string): string | null {
  const isNegated = token.startsWith('[!');
  const members = escapeSyntax(token.slice(isNegated ? 2 : 1, -1));
  const expression = isNegated ? `[^/${members}]` : `(?!/)[${members}]`;
  try {
    return new RegExp(expression, 'su') && expression;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const escapeSyntax = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
