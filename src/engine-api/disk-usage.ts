import type {ContainerSummary} from '../containers/kept/list-containers.ts';
import type {VolumeDetails} from '../containers/volumes/list-volumes.ts';
import {toDockerVolume} from '../docker-json/volume.ts';
import type {DiskUsage} from '../images/disk-usage.ts';
import type {ImageSummary} from '../images/list.ts';
import type {Handler} from './api-request.ts';
import {toRow} from './containers.ts';
import {imageRow} from './images.ts';

const KINDS = ['image', 'container', 'volume', 'build-cache'];

/** What takes space, of the kinds that are asked for, else of all. */
export const diskUsage: Handler = async ({toolkit}, {query, signal}) => {
  const asked = query.getAll('type');
  const isAsked = (kind: string): boolean => asked.length === 0 || asked.includes(kind);
  const [images, containers, volumes] = KINDS.map(isAsked);
  const [usage, summaries, running, kept] = await Promise.all([
    toolkit.images.usage(),
    images ? toolkit.images.list({hasLabels: true}) : [],
    toolkit.containers.list({size: containers ?? false, signal}),
    volumes ? toolkit.volumes.list({signal}) : [],
  ]);
  return {
    type: 'json',
    value: {
      ...(images && {LayersSize: usage.layers.bytes + usage.blobs.bytes, Images: imageRows(usage, summaries, running)}),
      ...(containers && {Containers: running.map(toRow)}),
      ...(volumes && {Volumes: volumeRows(usage, kept)}),
      ...(isAsked('build-cache') && {BuildCache: []}),
    },
  };
};

/** Nothing is built here, so there is nothing to go. */
export const pruneBuildCache: Handler = () => ({type: 'json', value: {CachesDeleted: null, SpaceReclaimed: 0}});

function imageRows({perImage}: DiskUsage, summaries: readonly ImageSummary[], containers: readonly ContainerSummary[]) {
  const sizes = new Map(perImage.map((usage) => [usage.image.imageId, usage]));
  return [...Map.groupBy(summaries, ({imageId}) => imageId)].map(([id, rows]) => ({
    ...imageRow(rows),
    Size: sizes.get(id)?.bytes ?? 0,
    VirtualSize: sizes.get(id)?.bytes ?? 0,
    SharedSize: sizes.get(id)?.sharedBytes ?? 0,
    Containers: containers.filter(({imageId}) => imageId === id).length,
  }));
}

function volumeRows({perVolume}: DiskUsage, volumes: readonly VolumeDetails[]) {
  const sizes = new Map(perVolume.map(({name, bytes}) => [name, bytes]));
  return volumes.map((volume) => ({
    ...toDockerVolume(volume),
    UsageData: {Size: sizes.get(volume.name) ?? 0, RefCount: volume.usedBy.length},
  }));
}
