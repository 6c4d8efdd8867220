import {createContainerSelection} from '../containers/kept/container-filter.ts';
import type {ContainerSummary} from '../containers/kept/list-containers.ts';
import {statusOf} from '../containers/kept/status-of.ts';
import {toDockerContainer} from '../docker-json/container.ts';
import {formatNetworkMode, toNetworks} from '../docker-json/network-settings.ts';
import {PROCESS_COLUMNS, toProcessRow} from '../docker-json/process-row.ts';
import {describeStatus} from '../docker-json/status-text.ts';
import {VOLUME_DRIVER} from '../docker-json/volume-driver.ts';
import {type ApiRequest, filtersOf, type Handler, isSet, parameterOf} from './api-request.ts';

export const listContainers: Handler = async ({toolkit}, {query, signal}) => {
  const limit = Number(query.get('limit') ?? 0);
  const most = limit > 0 ? limit : undefined;
  const select = createContainerSelection({filters: filtersOf(query), all: isSet(query, 'all'), most});
  const found = await toolkit.containers.list({size: isSet(query, 'size'), signal});
  return {type: 'json', value: select(found).map(toRow)};
};

/** A row of docker's list. A container without a name has its short id for one, since clients take the first. */
export function toRow(container: ContainerSummary) {
  const {id, name, image, imageId, command, created, labels, mounts, ports, networkMode, writtenBytes} = container;
  return {
    Id: id,
    Names: [`/${name ?? id.slice(0, SHORT_ID)}`],
    Image: image ?? imageId ?? '',
    ImageID: imageId ?? '',
    Command: command.map((word, index) => (index > 0 && word.includes(' ') ? `'${word}'` : word)).join(' '),
    Created: Math.floor(Date.parse(created) / 1000),
    State: statusOf(container),
    Status: describeStatus(container, new Date()),
    Ports: ports.map(({hostAddress, hostPort, containerPort, protocol}) => ({
      IP: hostAddress ?? '0.0.0.0',
      PrivatePort: containerPort,
      PublicPort: hostPort,
      Type: protocol,
    })),
    Labels: labels,
    HostConfig: {NetworkMode: formatNetworkMode(networkMode)},
    NetworkSettings: {Networks: toNetworks({...container, mode: networkMode})},
    Mounts: mounts.map(toMount),
    ...(writtenBytes !== undefined && {SizeRw: writtenBytes}),
  };
}

const toMount = ({source, target}: ContainerSummary['mounts'][number]) => {
  const isVolume = source !== null && !source.startsWith('/');
  return {
    Type: source === null ? 'tmpfs' : isVolume ? 'volume' : 'bind',
    ...(isVolume && {Name: source, Driver: VOLUME_DRIVER}),
    Source: isVolume ? '' : (source ?? ''),
    Destination: target,
  };
};

const SHORT_ID = 12;

export const inspectContainer: Handler = async ({toolkit}, request) => {
  const {query, signal} = request;
  const details = await toolkit.containers.inspect(idOf(request), {size: isSet(query, 'size'), signal});
  return {type: 'json', value: toDockerContainer(details)};
};

export const listProcesses: Handler = async ({toolkit}, request) => {
  const processes = await toolkit.containers.top(idOf(request));
  const rows = processes.map((process) => toProcessRow(process, new Date()));
  return {
    type: 'json',
    value: {Titles: PROCESS_COLUMNS, Processes: rows.map((row) => PROCESS_COLUMNS.map((column) => row[column]))},
  };
};

const KINDS = {C: 0, A: 1, D: 2} as const;

export const listChanges: Handler = async ({toolkit}, request) => {
  const changes = await toolkit.containers.diff(idOf(request), {signal: request.signal});
  return {type: 'json', value: changes.map(({path, kind}) => ({Path: path, Kind: KINDS[kind]}))};
};

export const idOf = (request: ApiRequest): string => parameterOf(request, 'id');
