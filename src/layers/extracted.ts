/** What an extracted layer consists of, as names in its directory. */
export const EXTRACTED = Object.freeze({
  /** The layer: whiteouts are character devices 0:0, and opaque directories have an attribute. */
  content: 'tree',
  /** The directories of the layer in which something is hidden, without what is in them; absent without whiteouts. */
  hiding: 'hiding',
});
