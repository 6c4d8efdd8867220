import {excerpt} from '../oci/excerpt.ts';

/**
 * Bytes as text of one character (0–255) each, as the `latin1` encoding reads them.
 *
 * Names in a tar are bytes of no known encoding. This form keeps every byte, compares and sorts as bytes do, is a key of
 * a Map, and takes a tenth of the memory of a Buffer.
 */
export type ByteString = string;

/** Bytes for a message: read as UTF-8, quoted and cut. */
export const displayBytes = (bytes: ByteString): string => excerpt(Buffer.from(bytes, 'latin1').toString());
