// C0, C1 and DEL; format characters (bidi controls, zero-width ones, tags); lone surrogates; line and paragraph
// separators: everything that moves the cursor, hides text or reorders it.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
/** Nearly all text, and told apart in a tenth of the time. */
const PLAIN = /^[\x20-\x7e]*$/;
const UNSAFE_IN_JSON = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

/**
 * Makes text from a registry, an image or a file printable on a terminal: one line, no escape sequences, nothing
 * invisible. Such characters become `\xNN` or `\u{…}`.
 */
export const safeText = (text: string): string => (PLAIN.test(text) ? text : text.replace(UNSAFE, escapeCharacter));

/** `value` as JSON that is as safe to print as `safeText`, and still means the same. */
export const safeJson = (value: unknown, indent?: number): string =>
  (JSON.stringify(value, null, indent) ?? 'null').replace(UNSAFE_IN_JSON, escapeForJson);

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

const escapeForJson = (character: string): string =>
  Array.from({length: character.length}, (_, index) => {
    const unit = character.charCodeAt(index).toString(16).padStart(4, '0');
    return `\\u${unit}`;
  }).join('');
