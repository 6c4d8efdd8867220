/** The directories above a path that were not met before, outermost first; they are met now. */
export function newParents(path: string, met: Set<string>): readonly string[] {
  const parts = path.split('/').slice(0, -1);
  const parents = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  const fresh = parents.filter((parent) => !met.has(parent));
  for (const parent of fresh) met.add(parent);
  return fresh;
}
