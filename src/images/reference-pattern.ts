const WILDCARDS: Readonly<Record<string, string>> = {'*': '[^/]*', '?': '[^/]'};

/** Reads a pattern for the names of images, as a shell has them; `*` and `?` stay within one path component. */
export function compileReferencePattern(pattern: string): (name: string) => boolean {
  const translate = (character: string): string => WILDCARDS[character] ?? `\\${character}`;
  const expression = new RegExp(`^${pattern.replace(/[\\^$.*+?()[\]{}|]/g, translate)}$`);
  return (name) => expression.test(name);
}
