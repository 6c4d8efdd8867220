import type {Listing} from '../helpers/file-tree.ts';

const OPAQUE = 'trusted.overlay.opaque=0x79';

/** Where what the kernel shows of a layer parts from what was meant; null where they agree. */
export function compareTrees(model: Listing, mounted: Listing): string | null {
  const shown = withoutMarks(mounted);
  const paths = [...new Set([...Object.keys(model), ...Object.keys(shown)])];
  for (const path of paths) {
    const [expected, actual] = [model[path], shown[path]].map((found) => JSON.stringify(found));
    if (expected !== actual) return `${JSON.stringify(path)} is ${actual} and not ${expected}`;
  }
  return null;
}

/** Opaque directories are marked in the file, and not in the model of what an image shows. */
const withoutMarks = (listing: Listing): Listing =>
  Object.fromEntries(
    Object.entries(listing).map(([path, file]) => [
      path,
      {...file, xattrs: file.xattrs.filter((xattr) => xattr !== OPAQUE)},
    ]),
  );
