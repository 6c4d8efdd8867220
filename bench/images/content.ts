import type {Random} from './random.ts';

/** Cuts the content of files out of a long stretch of bytes. */
export type Content = (random: Random, bytes: number) => Buffer;

const POOL_BYTES = 8 * 1024 * 1024;
const IDENTIFIERS = 6000;
const INSTRUCTIONS = 800;
const SYLLABLES = [
  ...['get', 'set', 'to', 'is', 'node', 'type', 'map', 'list', 'in', 'ref', 'on', 'er', 'con', 'text', 'value', 'key'],
  ...['path', 'op', 'tion', 'al', 'ent', 'parse', 'State', 'Item', 'Name', 'Index', 'Error', 'Event', 'Style', 'Data'],
] as const;

type Word = () => string;

const STATEMENTS: readonly [(word: Word) => string, ...((word: Word) => string)[]] = [
  (word) => `const ${word()} = require('./${word()}');\n`,
  (word) => `  var ${word()} = ${word()}.${word()}(${word()}, ${word()});\n`,
  (word) => `  if (${word()}.${word()} === undefined) {\n    return ${word()};\n  }\n`,
  (word) => `export function ${word()}(${word()}, ${word()}) {\n`,
  (word) => `  return ${word()}.${word()}(${word()} => ${word()}.${word()});\n};\n`,
  (word) => `  /**\n   * @param {${word()}} ${word()} the ${word()} of this ${word()}\n   */\n`,
  (word) => `    for (let i = 0; i < ${word()}.length; i++) {\n      ${word()}[i] = ${word()}(${word()}[i]);\n    }\n`,
  (word) => `  this.${word()} = ${word()} || {};\n`,
  (word) => `    throw new TypeError('${word()} ${word()} must be ${word()}');\n`,
  (word) => `  ${word()}: {${word()}: '${word()}', ${word()}: true},\n`,
  (word) => `}\n\nexports.${word()} = ${word()};\n`,
  (word) => `// ${word()} ${word()} ${word()} when the ${word()} changes\n`,
];

/** Text that deflates as published JavaScript does: to between a quarter and a fifth. */
export function createSourceText(random: Random): Content {
  const words = Array.from({length: IDENTIFIERS}, () =>
    Array.from({length: 1 + random.below(4)}, () => random.pick(SYLLABLES)).join(''),
  );
  // Few identifiers are frequent, and a file uses few of all: both follow from the fourth power and a moving base.
  let base = 0;
  const word = () => words[(base + Math.floor(random.next() ** 4 * IDENTIFIERS)) % IDENTIFIERS] ?? 'value';
  const pool = Buffer.alloc(POOL_BYTES);
  for (let end = 0; end < POOL_BYTES; ) {
    if (random.below(100) === 0) base = random.below(IDENTIFIERS);
    end += pool.write(random.pick(STATEMENTS)(word), end, 'latin1') || POOL_BYTES;
  }
  return cutFrom(pool);
}

/** Bytes that deflate as machine code does: to a bit less than a half. */
export function createMachineCode(random: Random): Content {
  const instructions = Array.from({length: INSTRUCTIONS}, () => random.below(2 ** 32));
  const pool = Buffer.alloc(POOL_BYTES);
  for (let at = 0; at < POOL_BYTES; at += 4) {
    const isOperand = random.below(12) === 0;
    const frequent = Math.floor(random.next() ** 5 * INSTRUCTIONS);
    pool.writeUInt32LE(isOperand ? random.below(2 ** 32) : (instructions[frequent] ?? 0), at);
  }
  return cutFrom(pool);
}

/** Starts at a random place, so that what deflate sees of two files differs. */
function cutFrom(pool: Buffer): Content {
  return (random, bytes) => {
    const start = random.below(pool.length);
    const piece = pool.subarray(start, start + bytes);
    return piece.length === bytes ? piece : Buffer.concat([piece, pool.subarray(0, bytes - piece.length)], bytes);
  };
}
