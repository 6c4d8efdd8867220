import type {LogPiece} from '../containers/kept/log-records.ts';

const STREAM_NUMBERS = {stdout: 1, stderr: 2} as const;
const HEADER_BYTES = 8;

/** A terminal's output is one stream, and comes as it is; of others each piece has a header of its stream and length. */
export const streamType = (isTerminal: boolean): string =>
  `application/vnd.docker.${isTerminal ? 'raw' : 'multiplexed'}-stream`;

export function framed({stream, bytes}: LogPiece): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(STREAM_NUMBERS[stream], 0);
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}
