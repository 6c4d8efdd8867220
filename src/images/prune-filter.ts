import {isWinchError} from '../errors.ts';
import {CONFIG_LIMIT_BYTES, parseImageConfig} from '../oci/image-config.ts';
import type {ImageRecord} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';

export interface LabelFilter {
  readonly name: string;
  /** Null: whatever the value is. */
  readonly value: string | null;
  /** Whether images with the label stay, instead of those without. */
  readonly isExcluded: boolean;
}

export interface PruneFilter {
  /** Only images made before, in milliseconds since 1970; those that do not say when they were made stay. */
  readonly createdBefore?: number | undefined;
  /** Only images for which all of these hold. */
  readonly labels?: readonly LabelFilter[] | undefined;
}

/** Whether an image may go, by its age and its labels. */
export const matchesFilter = (store: Store, image: ImageRecord, {createdBefore, labels = []}: PruneFilter): boolean =>
  (createdBefore === undefined || isOlder(image, createdBefore)) &&
  (labels.length === 0 || hasLabels(store, image, labels));

const isOlder = ({created}: ImageRecord, limit: number): boolean => created !== null && Date.parse(created) < limit;

function hasLabels(store: Store, {configDigest}: ImageRecord, filters: readonly LabelFilter[]): boolean {
  const labels = readLabels(store, configDigest);
  return labels !== null && matchesLabels(labels, filters);
}

/** Whether all filters hold for these labels. */
export const matchesLabels = (labels: Readonly<Record<string, string>>, filters: readonly LabelFilter[]): boolean =>
  filters.every(({name, value, isExcluded}) => {
    const hasLabel = Object.hasOwn(labels, name) && (value === null || labels[name] === value);
    return hasLabel !== isExcluded;
  });

/** Null where the config is damaged: nothing is known of such an image. */
export function readLabels(
  store: Pick<Store, 'blobs'>,
  digest: ImageRecord['configDigest'],
): Readonly<Record<string, string>> | null {
  try {
    const bytes = store.blobs.read(digest, CONFIG_LIMIT_BYTES);
    return parseImageConfig(bytes, {where: `stored config ${digest}`}).config.Labels ?? {};
  } catch (error) {
    if (isWinchError(error) && (error.kind === 'corrupt' || error.kind === 'refused')) return null;
    throw error;
  }
}
