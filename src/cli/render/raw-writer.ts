import type {Output} from './output.ts';
import {safeText} from './safe-text.ts';

/**
 * Passes bytes on as they are, or, on a terminal, as text that it cannot obey: lines and tabs stay, every other control
 * character is escaped as by `safeText`.
 *
 * @returns A function that answers false once nobody reads any more.
 */
export function createRawWriter(output: Output, isTerminal: () => boolean): (piece: Uint8Array) => boolean {
  let decoder: TextDecoder | null | undefined;
  return (piece) => {
    if (decoder === undefined) decoder = isTerminal() ? new TextDecoder() : null;
    return output.write(decoder === null ? piece : escapeLines(decoder.decode(piece, {stream: true}))) !== false;
  };
}

const escapeLines = (text: string): string =>
  text
    .split(/([\n\t])/)
    .map((part) => (part === '\n' || part === '\t' ? part : safeText(part)))
    .join('');
