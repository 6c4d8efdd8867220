import {readDeviceOptions} from '../containers/volumes/device-options.ts';
import {createVolumeFilter} from '../containers/volumes/volume-filter.ts';
import {toDockerVolume} from '../docker-json/volume.ts';
import {VOLUME_DRIVER} from '../docker-json/volume-driver.ts';
import {notOffered} from './api-error.ts';
import {type ApiRequest, filtersOf, type Handler, isSet, parameterOf, readJsonBody} from './api-request.ts';
import {readFields} from './body-fields.ts';
import {readPruneFilters} from './prune-filters.ts';

export const listVolumes: Handler = async ({toolkit}, {query, signal}) => {
  const isShown = createVolumeFilter(filtersOf(query));
  const volumes = await toolkit.volumes.list({signal});
  return {type: 'json', value: {Volumes: volumes.filter(isShown).map(toDockerVolume), Warnings: null}};
};

export const inspectVolume: Handler = async ({toolkit}, request) => ({
  type: 'json',
  value: toDockerVolume(await toolkit.volumes.inspect(nameOf(request))),
});

export const createVolume: Handler = async ({toolkit}, request) => {
  const fields = readFields((await readJsonBody(request)) ?? {});
  const driver = fields.text('Driver') || VOLUME_DRIVER;
  if (driver !== VOLUME_DRIVER || fields.says('ClusterVolumeSpec')) {
    throw notOffered('volumes are kept by this machine alone', `leave out the Driver, or say ${VOLUME_DRIVER}`);
  }
  const {name} = await toolkit.volumes.create(
    {
      name: fields.text('Name') || undefined,
      labels: fields.textMap('Labels'),
      mounts: readDeviceOptions(fields.textMap('DriverOpts') ?? {}),
    },
    {signal: request.signal},
  );
  return {type: 'json', status: 201, value: toDockerVolume(await toolkit.volumes.inspect(name))};
};

export const removeVolume: Handler = async ({toolkit}, request) => {
  const {query, signal} = request;
  await toolkit.volumes.remove(nameOf(request), {force: isSet(query, 'force'), signal});
  return {type: 'empty', status: 204};
};

export const pruneVolumes: Handler = async ({toolkit}, {query, signal}) => {
  const {createdBefore, labels, others} = readPruneFilters(query, {now: Date.now(), others: ['all']});
  if (createdBefore !== undefined) throw notOffered('volumes are not pruned by time', 'prune them by their labels');
  const all = others.all?.some((word) => word === 'true' || word === '1') ?? false;
  const {removed, freedBytes} = await toolkit.volumes.prune({all, labels, signal});
  return {type: 'json', value: {VolumesDeleted: removed, SpaceReclaimed: freedBytes}};
};

const nameOf = (request: ApiRequest): string => parameterOf(request, 'name');
