import {WinchError} from '../errors.ts';

/** A TOML table as the parser gives it. */
export type TomlTable = Readonly<Record<string, unknown>>;

/**
 * Parses a TOML file.
 *
 * @throws {WinchError} `REGISTRY_CONFIG_INVALID`, with the line.
 */
export async function parseToml(bytes: Uint8Array, file: string): Promise<TomlTable> {
  // Imported on demand: most machines have no such file.
  const {parse, TomlError} = await import('smol-toml');
  try {
    return parse(new TextDecoder('utf-8', {fatal: true}).decode(bytes));
  } catch (error) {
    if (error instanceof TomlError) {
      const [reason = ''] = error.message.replace('Invalid TOML document: ', '').split('\n', 1);
      throw configInvalid(file, `line ${error.line} is not valid TOML: ${reason}`);
    }
    if (error instanceof TypeError) throw configInvalid(file, 'it is not UTF-8');
    throw error;
  }
}

/** A file about registries that cannot be used. */
export const configInvalid = (file: string, fault: string): WinchError =>
  new WinchError('REGISTRY_CONFIG_INVALID', `${file}: ${fault}`, {
    kind: 'invalid',
    hint: 'correct the file; no registry was asked',
    details: {file},
  });
