import {humanAge} from '../../docker-json/age.ts';
import type {DiskUsage, ImageUsage, SharedSpaceUsage, SpaceUsage} from '../../images/disk-usage.ts';
import {formatRows} from './format.ts';
import {humanBytes, shortDigest} from './human.ts';
import {safeText} from './safe-text.ts';
import {renderTable} from './table.ts';

export interface DiskUsageView {
  readonly format: string | undefined;
  /** Whether each image is listed as well. */
  readonly isDetailed: boolean;
  readonly now: Date;
}

const HEADINGS = {
  Type: 'TYPE',
  TotalCount: 'COUNT',
  Size: 'SIZE',
  Shared: 'SHARED',
  Unique: 'UNIQUE',
  Reclaimable: 'RECLAIMABLE',
} as const;

const IMAGE_HEADING = ['IMAGE', 'ID', 'PLATFORM', 'SIZE', 'SHARED', 'UNIQUE', 'LAST USED'];

/** What takes the store's space, a kind a line; images are what layers and blobs are for, so those are drawn below. */
export function renderDiskUsage(usage: DiskUsage, {format, isDetailed, now}: DiskUsageView): string {
  const isDrawn = format === undefined;
  const rows = [
    toRow('Images', usage.images),
    toRow(isDrawn ? '├─ Layers' : 'Layers', usage.layers),
    toRow(isDrawn ? '└─ Blobs' : 'Blobs', usage.blobs),
    toRow('Partial downloads', usage.partials),
    toRow('Containers', usage.containers),
    toRow('Volumes', usage.volumes),
    {...EMPTY, Type: 'Other', Size: humanBytes(usage.otherBytes)},
    {...EMPTY, Type: 'Total', Size: humanBytes(usage.totalBytes), Reclaimable: humanBytes(reclaimable(usage))},
  ];
  const table = formatRows({headings: HEADINGS, defaultColumns: Object.keys(HEADINGS), rows, data: usage}, format);
  if (!isDetailed || !isDrawn) return table;
  return `${table}\n\n${renderTable(
    IMAGE_HEADING,
    usage.perImage.map((image) => toImageRow(image, now)),
  )}`;
}

const EMPTY = {TotalCount: '', Shared: '', Unique: '', Reclaimable: ''};

const toRow = (type: string, space: SpaceUsage | SharedSpaceUsage) => ({
  Type: type,
  TotalCount: String(space.count),
  Size: humanBytes(space.bytes),
  Shared: 'sharedBytes' in space ? humanBytes(space.sharedBytes) : '',
  Unique: 'uniqueBytes' in space ? humanBytes(space.uniqueBytes) : '',
  Reclaimable: humanBytes(space.reclaimableBytes),
});

const toImageRow = ({image, platform, bytes, sharedBytes, uniqueBytes, lastUsedAt}: ImageUsage, now: Date) => [
  image.references.length > 0 ? image.references.map(safeText).join(', ') : '<none>',
  shortDigest(image.imageId),
  safeText(platform),
  ...[bytes, sharedBytes, uniqueBytes].map(humanBytes),
  humanAge(lastUsedAt, now),
];

const reclaimable = ({layers, blobs, partials}: DiskUsage): number =>
  layers.reclaimableBytes + blobs.reclaimableBytes + partials.reclaimableBytes;
