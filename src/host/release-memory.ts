/**
 * Gives the memory of a chunk back at once, when the chunk ends its buffer; its bytes, and those of every other view on
 * that buffer, are gone then.
 *
 * Left to the garbage collector, which does not feel the weight of buffers, a pull of three large layers peaks at 350 MB
 * instead of 250.
 *
 * @param smallestBytes Only buffers of at least this size are worth the call, and small ones may be pooled.
 */
export function releaseMemory({buffer, byteOffset, byteLength}: Uint8Array, smallestBytes: number): void {
  const isEnd = byteOffset + byteLength === buffer.byteLength;
  if (isEnd && buffer.byteLength >= smallestBytes && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
