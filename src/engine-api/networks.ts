import {createHash} from 'node:crypto';
import {createNetworkFilter} from '../containers/networks/network-filter.ts';
import {type ShownNetwork, toDockerNetwork} from '../docker-json/network.ts';
import {WinchError} from '../errors.ts';
import type {Toolkit} from '../toolkit.ts';
import {type ApiReply, type ApiRequest, filtersOf, type Handler, parameterOf, readJsonBody} from './api-request.ts';
import {readFields} from './body-fields.ts';
import {readJoin, readNetworkRequest} from './network-request.ts';
import {readPruneFilters} from './prune-filters.ts';

const DONE: ApiReply = {type: 'empty', status: 200};
const MINIMUM_ID = 4;

/** What docker lists as networks, and are none that a container could join. */
const MODES: readonly ShownNetwork[] = [modeNamed('host', 'host'), modeNamed('none', 'null')];

function modeNamed(name: string, driver: string): ShownNetwork {
  const id = createHash('sha256').update(`network ${name}`).digest('hex');
  const nothing = {created: null, bridge: null, subnets: [], isInternal: false, mtu: null, labels: {}, containers: []};
  return {...nothing, name, id, driver};
}

const findMode = (text: string): ShownNetwork | undefined =>
  MODES.find(({name, id}) => name === text || (text.length >= MINIMUM_ID && id.startsWith(text)));

/** Without their containers, as docker has it. */
export const listNetworks: Handler = async ({toolkit}, {query, signal}) => {
  const isShown = createNetworkFilter(filtersOf(query));
  const networks: readonly ShownNetwork[] = [...(await toolkit.networks.list({signal})), ...MODES];
  return {
    type: 'json',
    value: networks.filter(isShown).map((network) => toDockerNetwork({...network, containers: []})),
  };
};

export const inspectNetwork: Handler = async ({toolkit}, request) => {
  const name = nameOf(request);
  return {type: 'json', value: toDockerNetwork(findMode(name) ?? (await toolkit.networks.inspect(name)))};
};

export const createNetwork: Handler = async ({toolkit}, request) => {
  const create = readNetworkRequest(await readJsonBody(request));
  const id = await toolkit.networks.create(create, {signal: request.signal});
  return {type: 'json', status: 201, value: {Id: id, Warning: ''}};
};

export const connectToNetwork: Handler = async ({toolkit}, request) => {
  const fields = readFields(await readJsonBody(request));
  const name = await requireJoinable(toolkit, nameOf(request));
  const join = readJoin(name, fields.record('EndpointConfig'));
  await toolkit.networks.connect(fields.text('Container') ?? '', join, {signal: request.signal});
  return DONE;
};

export const disconnectFromNetwork: Handler = async ({toolkit}, request) => {
  const fields = readFields(await readJsonBody(request));
  const name = await requireJoinable(toolkit, nameOf(request));
  await toolkit.networks.disconnect(fields.text('Container') ?? '', name, {signal: request.signal});
  return DONE;
};

export const removeNetwork: Handler = async ({toolkit}, request) => {
  const name = nameOf(request);
  if (findMode(name)) throw permanent(name);
  await toolkit.networks.remove(name, {signal: request.signal});
  return {type: 'empty', status: 204};
};

export const pruneNetworks: Handler = async ({toolkit}, {query, signal}) => {
  const {createdBefore, labels} = readPruneFilters(query, {now: Date.now()});
  const removed = await toolkit.networks.prune({createdBefore, labels, signal});
  return {type: 'json', value: {NetworksDeleted: removed.length > 0 ? removed : null}};
};

/** @returns its name. */
async function requireJoinable({networks}: Toolkit, text: string): Promise<string> {
  if (findMode(text)) throw permanent(text);
  return (await networks.inspect(text)).name;
}

const permanent = (name: string): WinchError =>
  new WinchError('NETWORK_PERMANENT', `the network ${name} is part of every machine`, {kind: 'invalid'});

const nameOf = (request: ApiRequest): string => parameterOf(request, 'id');
