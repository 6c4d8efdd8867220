const LOAD_ADDRESS = 0x40_0000;
const HEADER_BYTES = 120;

/**
 * A static amd64 program that calls socket(family, SOCK_SEQPACKET, 0) and exits with the errno, or with 256 minus the
 * descriptor when it succeeds.
 */
export function makeSocketProgram(family: number): Buffer {
  const code = Buffer.from([
    ...[0xb8, 41, 0, 0, 0], // mov eax, SYS_socket
    ...[0xbf, family, 0, 0, 0], // mov edi, family
    ...[0xbe, 5, 0, 0, 0], // mov esi, SOCK_SEQPACKET
    ...[0x31, 0xd2], // xor edx, edx
    ...[0x0f, 0x05], // syscall
    ...[0xf7, 0xd8], // neg eax
    ...[0x89, 0xc7], // mov edi, eax
    ...[0xb8, 60, 0, 0, 0], // mov eax, SYS_exit
    ...[0x0f, 0x05], // syscall
  ]);
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('\x7fELF', 'latin1');
  header.set([2, 1, 1], 4);
  header.writeUInt16LE(2, 16); // executable
  header.writeUInt16LE(62, 18); // amd64
  header.writeUInt32LE(1, 20);
  header.writeBigUInt64LE(BigInt(LOAD_ADDRESS + HEADER_BYTES), 24);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(64, 52);
  header.writeUInt16LE(56, 54);
  header.writeUInt16LE(1, 56);
  header.writeUInt32LE(1, 64); // PT_LOAD
  header.writeUInt32LE(5, 68); // readable, executable
  header.writeBigUInt64LE(BigInt(LOAD_ADDRESS), 80);
  header.writeBigUInt64LE(BigInt(HEADER_BYTES + code.length), 96);
  header.writeBigUInt64LE(BigInt(HEADER_BYTES + code.length), 104);
  header.writeBigUInt64LE(4096n, 112);
  return Buffer.concat([header, code]);
}
