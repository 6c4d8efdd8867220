import {CONFIG_LIMIT_BYTES, type HistoryRecord, parseImageConfig} from '../oci/image-config.ts';
import type {ImageRecord} from '../store/image-records.ts';
import type {Store} from '../store/store.ts';
import {describeLayers, type LayerDetails} from './describe-layers.ts';
import {requireStoredImage} from './find-image.ts';

export interface HistoryEntry {
  readonly created: string | null;
  /** The command that made the layer; empty when the image does not say. */
  readonly createdBy: string;
  readonly comment: string | null;
  readonly author: string | null;
  readonly emptyLayer: boolean;
  /** Null for an empty layer. */
  readonly layer: LayerDetails | null;
}

/**
 * The steps that made an image, newest first; layers that its history does not mention are listed as well.
 *
 * @throws {WinchError} `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS` | `CONFIG_INVALID`
 * @see image-spec v1.1.1 config.md#properties (history)
 */
export function readHistory(store: Store, text: string): readonly HistoryEntry[] {
  const {image} = requireStoredImage(store, text);
  return historyOf(store, image, text);
}

/** As {@link readHistory}, for an image that was found. @param name The image in a message. */
export function historyOf(store: Store, image: ImageRecord, name: string): readonly HistoryEntry[] {
  const config = parseImageConfig(store.blobs.read(image.configDigest, CONFIG_LIMIT_BYTES), {
    where: `config of ${name}`,
  });
  const layers = store.read((database) => describeLayers(database, image.manifestDigest), []);
  return joinHistory(config.history ?? [], layers).toReversed();
}

function joinHistory(records: readonly HistoryRecord[], layers: readonly LayerDetails[]): readonly HistoryEntry[] {
  const unmentioned = layers.values();
  const described = records.map((record) => {
    const layer = record.empty_layer ? null : (unmentioned.next().value ?? null);
    return {
      created: record.created ?? null,
      createdBy: record.created_by ?? '',
      comment: record.comment ?? null,
      author: record.author ?? null,
      emptyLayer: layer === null,
      layer,
    };
  });
  return [...described, ...[...unmentioned].map(undescribed)];
}

const undescribed = (layer: LayerDetails): HistoryEntry => ({
  created: null,
  createdBy: '',
  comment: null,
  author: null,
  emptyLayer: false,
  layer,
});
