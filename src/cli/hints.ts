/** The flag that helps with an error, by its code. The library's own hints speak of the world and know no flags. */
const FLAG_HINTS: ReadonlyMap<string, string> = new Map([
  ['INTERRUPTED', 'layers that arrived whole are kept for the next attempt'],
  ['PLATFORM_MISSING', 'choose with --platform'],
  ['TLS_FAILED', 'if this registry has no valid certificate, add --insecure'],
  ['RUNTIME_NOT_FOUND', 'name it with --runtime'],
  ['COMMAND_MISSING', 'or name one with --entrypoint'],
  ['IMAGE_TAGGED_TWICE', 'add --force'],
  ['FOREIGN_LAYER', 'add --foreign to fetch it from there'],
]);

/** The hint about flags for this code, or undefined. */
export const findFlagHint = (code: string): string | undefined => FLAG_HINTS.get(code);
