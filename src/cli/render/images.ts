import {humanAge} from '../../docker-json/age.ts';
import type {ImageSummary} from '../../images/list.ts';
import {formatRows} from './format.ts';
import {humanBytes, shortDigest} from './human.ts';
import {safeText} from './safe-text.ts';

export interface ImagesView {
  readonly format: string | undefined;
  readonly idsOnly: boolean;
  readonly showDigests: boolean;
  /** Digests in full. */
  readonly isFull: boolean;
  readonly now: Date;
}

const HEADINGS = {
  Repository: 'REPOSITORY',
  Tag: 'TAG',
  Digest: 'DIGEST',
  ID: 'IMAGE ID',
  CreatedSince: 'CREATED',
  CreatedAt: 'CREATED AT',
  Size: 'SIZE',
  CompressedSize: 'COMPRESSED',
  Platform: 'PLATFORM',
} as const;

/** The images as docker lists them; `Size` is that of the unpacked layers. */
export function renderImages(images: readonly ImageSummary[], view: ImagesView): string {
  const rows = images.map((image) => toRow(image, view));
  if (view.idsOnly) return [...new Set(rows.map(({ID}) => ID))].join('\n');
  const digest = view.showDigests ? ['Digest'] : [];
  const defaultColumns = ['Repository', 'Tag', ...digest, 'ID', 'CreatedSince', 'Size'];
  return formatRows({headings: HEADINGS, defaultColumns, rows, data: images}, view.format);
}

const toRow = (image: ImageSummary, {isFull, now}: ImagesView) => ({
  Repository: safeText(image.repository ?? '<none>'),
  Tag: safeText(image.tag ?? '<none>'),
  Digest: image.digest,
  ID: isFull ? image.imageId : shortDigest(image.imageId),
  CreatedSince: humanAge(image.created, now),
  CreatedAt: safeText(image.created ?? 'N/A'),
  Size: image.unpackedBytes === null ? 'N/A' : humanBytes(image.unpackedBytes),
  CompressedSize: humanBytes(image.compressedBytes),
  Platform: safeText(image.platform),
});
