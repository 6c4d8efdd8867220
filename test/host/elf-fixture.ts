/** The head of a little-endian 64-bit ELF program: its header, and one PT_INTERP entry where an interpreter is named. */
export function makeElf({machine, interpreter}: {readonly machine: number; readonly interpreter?: string}): Buffer {
  const header = Buffer.alloc(64);
  header.write('\x7fELF', 'latin1');
  header.set([2, 1, 1], 4);
  header.writeUInt16LE(2, 16);
  header.writeUInt16LE(machine, 18);
  if (interpreter === undefined) return header;
  const text = Buffer.from(`${interpreter}\0`);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  const entry = Buffer.alloc(56);
  entry.writeUInt32LE(3, 0);
  entry.writeBigUInt64LE(120n, 8);
  entry.writeBigUInt64LE(BigInt(text.length), 32);
  return Buffer.concat([header, entry, text]);
}
