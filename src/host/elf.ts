/** What the head of an ELF file says about the machine it is for. */
export interface ElfFacts {
  /** As Go names it (`arm64`), or `e_machine <number>` for one that containers hardly have. */
  readonly architecture: string;
  /** Path of the dynamic loader; null for a static program or when the head of the file does not hold it. */
  readonly interpreter: string | null;
}

const MAGIC = Buffer.from('\x7fELF', 'latin1');
const CLASS_64 = 2;
const PT_INTERP = 3;

/** By class (1: 32 bits, 2: 64 bits), data (1: little endian, 2: big endian) and e_machine. @see elf(5) */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  '2/1/62': 'amd64',
  '1/1/62': 'amd64',
  '1/1/3': '386',
  '2/1/183': 'arm64',
  '1/1/40': 'arm',
  '2/1/243': 'riscv64',
  '2/1/21': 'ppc64le',
  '2/2/22': 's390x',
  '2/1/258': 'loong64',
};

/** Reads the first bytes of a program (4 KiB are plenty); null when it is not ELF. */
export function readElf(head: Buffer): ElfFacts | null {
  if (head.length < 52 || !head.subarray(0, 4).equals(MAGIC)) return null;
  const [bits, endian] = [head.readUInt8(4), head.readUInt8(5)];
  const machine = endian === 1 ? head.readUInt16LE(18) : head.readUInt16BE(18);
  const architecture = ARCHITECTURES[`${bits}/${endian}/${machine}`] ?? `e_machine ${machine}`;
  return {architecture, interpreter: endian === 1 ? findInterpreter(head, bits === CLASS_64) : null};
}

function findInterpreter(head: Buffer, is64: boolean): string | null {
  if (head.length < 64) return null;
  const tableOffset = is64 ? Number(head.readBigUInt64LE(32)) : head.readUInt32LE(28);
  const entrySize = head.readUInt16LE(is64 ? 54 : 42);
  const entryCount = head.readUInt16LE(is64 ? 56 : 44);
  for (let index = 0; index < entryCount; index += 1) {
    const entry = tableOffset + index * entrySize;
    if (entry + (is64 ? 56 : 32) > head.length) return null;
    if (head.readUInt32LE(entry) !== PT_INTERP) continue;
    const offset = is64 ? Number(head.readBigUInt64LE(entry + 8)) : head.readUInt32LE(entry + 4);
    const size = is64 ? Number(head.readBigUInt64LE(entry + 32)) : head.readUInt32LE(entry + 16);
    if (size < 2 || offset + size > head.length) return null;
    return head.toString('utf8', offset, offset + size - 1);
  }
  return null;
}
