/** Nearly all text, and told apart in a tenth of the time. */
const PLAIN = /^[\x20-\x7e]*$/;

/**
 * Makes text from a registry, an image or a file printable on a terminal: one line, no escape sequences, nothing
 * invisible. Such characters become `\xNN` or `\u{…}`.
 */
export const safeText = (text: string): string => (PLAIN.test(text) ? text : escapeUnsafe(text));

/** `value` as JSON that is as safe to print as `safeText`, and still means the same. */
export const safeJson = (value: unknown, indent?: number): string =>
  (JSON.stringify(value, null, indent) ?? 'null').replace(/[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu, escapeForJson);

/**
 * C0, C1 and DEL; format characters (bidi controls, zero-width ones, tags); lone surrogates; line and paragraph separators:
 * everything that moves the cursor, hides text or reorders it. Looking up what they are takes 0.3 ms, so not at the start.
 */
const escapeUnsafe = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, escapeCharacter);

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

const escapeForJson = (character: string): string =>
  Array.from({length: character.length}, (_, index) => {
    const unit = character.charCodeAt(index).toString(16).padStart(4, '0');
    return `\\u${unit}`;
  }).join('');
