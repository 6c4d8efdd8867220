import type {ImageName} from '../inspect.ts';

/**
 * - `missing`, `size`, `content`: a file is gone, has another length, or other bytes
 * - `mode`: others may read or write it, its owner may not, or it has another owner than the store
 * - `extra`: no image needs it; a leftover, or part of a pull that is under way
 */
export type FindingKind = 'missing' | 'size' | 'content' | 'mode' | 'extra';

/** Something in the store that is not as it should be, or that could go. */
export interface Finding {
  readonly kind: FindingKind;
  readonly object: 'blob' | 'layer' | 'database' | 'directory' | 'file';
  /** Of a layer its diff id; null for what has none. */
  readonly digest: string | null;
  /** Below the store's root. */
  readonly path: string;
  /** One line for people. */
  readonly detail: string;
  /** False: it takes space and does no harm. */
  readonly isDamage: boolean;
  /** The images that are hurt. */
  readonly images: readonly ImageName[];
  /** What a repair can try. */
  readonly canRepair: boolean;
}
