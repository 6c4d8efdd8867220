import type {VolumeDetails} from '../../containers/volumes/list-volumes.ts';
import {VOLUME_DRIVER} from '../../docker-json/volume-driver.ts';
import {formatRows} from './format.ts';
import {safeText} from './safe-text.ts';

export interface VolumesView {
  readonly format: string | undefined;
  readonly namesOnly: boolean;
}

const HEADINGS = {
  Driver: 'DRIVER',
  Name: 'VOLUME NAME',
  Mountpoint: 'MOUNTPOINT',
  CreatedAt: 'CREATED AT',
  Labels: 'LABELS',
  Scope: 'SCOPE',
} as const;

/** Volumes as docker lists them. */
export function renderVolumes(volumes: readonly VolumeDetails[], {format, namesOnly}: VolumesView): string {
  if (namesOnly) return volumes.map(({name}) => safeText(name)).join('\n');
  const defaultColumns = ['Driver', 'Name'];
  return formatRows({headings: HEADINGS, defaultColumns, rows: volumes.map(toRow), data: volumes}, format);
}

const toRow = ({name, directory, created, labels}: VolumeDetails) => ({
  Driver: VOLUME_DRIVER,
  Name: safeText(name),
  Mountpoint: safeText(directory),
  CreatedAt: created,
  Labels: safeText(
    Object.entries(labels)
      .map(([label, value]) => `${label}=${value}`)
      .join(','),
  ),
  Scope: VOLUME_DRIVER,
});
