import {createHash} from 'node:crypto';
import {isIP} from 'node:net';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {NetworkDefinition, NetworkParent, NetworkSubnet} from '../../network/definition.ts';
import {PARENT_MODES, requireParent} from '../../network/parent-config.ts';
import {
  addressToNumber,
  contains,
  formatAddress,
  formatSubnet,
  lastOf,
  overlaps,
  parseSubnet,
  type Subnet,
} from '../../network/subnet.ts';
import {isWide, readUsedSubnets} from '../../network/used-subnets.ts';
import {excerpt} from '../../oci/excerpt.ts';
import type {ContainerContext} from '../context.ts';
import {recordNetworkEvent} from '../record-events.ts';
import {
  bridgeOf,
  chooseFreeSubnet,
  findNetwork,
  gatewayOf,
  listNetworks,
  networkId,
  requireNetworkName,
  saveNetwork,
} from './definitions.ts';
import {lockNetworks, storeTag} from './places.ts';

export interface CreateNetworkRequest {
  readonly name: string;
  /** At most one of each family; absent: one of IPv4 that nobody uses here. */
  readonly subnets?: readonly SubnetRequest[] | undefined;
  /** Whether it has a subnet of IPv6 as well, a private one that is chosen when none is given. */
  readonly ipv6?: boolean | undefined;
  readonly isInternal?: boolean | undefined;
  /** Absent: it is a bridge of its own. */
  readonly parent?: NetworkParent | undefined;
  readonly mtu?: number | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
}

export interface SubnetRequest {
  /** `10.1.2.0/24` */
  readonly subnet: string;
  /** Absent: the first address. */
  readonly gateway?: string | undefined;
  /** A subnet within it that containers get addresses from. */
  readonly range?: string | undefined;
}

/** Room for the machine, a container, and the two addresses that IPv4 sets aside. */
const MOST_PREFIX = Object.freeze({4: 30, 6: 126});

/**
 * Makes a network that containers can join; nothing is done on the machine before the first of them does.
 *
 * @returns its id.
 * @throws {WinchError} `NETWORK_NAME_INVALID` | `NETWORK_EXISTS` | `NETWORK_INVALID` | `NETWORK_OVERLAPS` |
 * `NETWORK_SUBNETS_USED` | `NETWORK_PARENT_MISSING`
 */
export async function createNetwork(
  context: ContainerContext,
  request: CreateNetworkRequest,
  {signal}: CallOptions = {},
): Promise<string> {
  const {name, isInternal = false, mtu = null, labels = {}} = request;
  requireNetworkName(name);
  if (request.parent) checkParent(request.parent);
  const asked = (request.subnets ?? []).map(checkSubnet);
  using _lock = await lockNetworks(context, signal);
  if (findNetwork(context, name)) throw exists(name);
  requireFree(context, asked, request.parent === undefined ? readUsedSubnets() : []);
  const network: NetworkDefinition = {
    name,
    id: networkId(context, name),
    created: new Date(context.now()).toISOString(),
    bridge: bridgeOf(context, name),
    ...(request.parent && {parent: request.parent}),
    subnets: completeSubnets(context, request, asked),
    isInternal,
    mtu,
    labels,
  };
  await saveNetwork(context, network);
  recordNetworkEvent(context, 'create', network);
  return network.id;
}

function completeSubnets(
  context: ContainerContext,
  {name, ipv6}: CreateNetworkRequest,
  asked: readonly NetworkSubnet[],
): readonly NetworkSubnet[] {
  const familyOf = ({gateway}: NetworkSubnet) => isIP(gateway);
  const four = asked.filter((subnet) => familyOf(subnet) === 4);
  const six = asked.filter((subnet) => familyOf(subnet) === 6);
  if (four.length > 1 || six.length > 1) throw invalid('a network has at most one subnet of each family');
  return [
    ...(asked.length === 0 ? [{...chooseFreeSubnet(context, name), range: null}] : four),
    ...(six.length === 0 && ipv6 ? [choosePrivateSubnet6(context, name)] : six),
  ];
}

/** Unique local addresses with 40 bits that are as good as random (RFC 4193). */
function choosePrivateSubnet6(context: ContainerContext, name: string): NetworkSubnet {
  const digest = createHash('sha256')
    .update(`${storeTag(context)}\0${name}\0${context.now()}`)
    .digest('hex');
  const subnet: Subnet = {family: 6, first: BigInt(`0xfd${digest.slice(0, 10)}`) << 80n, prefix: 64};
  return {subnet: formatSubnet(subnet), gateway: gatewayOf(subnet), range: null};
}

function checkSubnet({subnet: text, gateway, range}: SubnetRequest): NetworkSubnet {
  const subnet = parseSubnet(text);
  if (subnet === null) throw invalid(`${excerpt(text)} is no subnet as 10.1.2.0/24`);
  if (subnet.prefix > MOST_PREFIX[subnet.family])
    throw invalid(`the subnet ${excerpt(text)} has no room for containers`);
  if (gateway !== undefined && !contains(subnet, gateway)) {
    throw invalid(`the gateway ${excerpt(gateway)} is no address of ${formatSubnet(subnet)}`);
  }
  return {
    subnet: formatSubnet(subnet),
    gateway: gateway === undefined ? gatewayOf(subnet) : formatAddress(subnet.family, addressToNumber(gateway)),
    range: range === undefined ? null : checkRange(subnet, range),
  };
}

/** Neither the address of the subnet itself nor the one of IPv4 that means all is for a container. */
function checkRange(subnet: Subnet, text: string) {
  const range = parseSubnet(text);
  if (range === null || range.prefix < subnet.prefix || !overlaps(range, subnet)) {
    throw invalid(`the range ${excerpt(text)} is no part of ${formatSubnet(subnet)}`);
  }
  const {family} = subnet;
  const first = range.first === subnet.first ? range.first + 1n : range.first;
  const last = family === 4 && lastOf(range) === lastOf(subnet) ? lastOf(range) - 1n : lastOf(range);
  return {first: formatAddress(family, first), last: formatAddress(family, last)};
}

function checkParent(parent: NetworkParent): void {
  const modes = PARENT_MODES[parent.driver];
  if (!modes.includes(parent.mode)) {
    throw invalid(`${excerpt(parent.mode)} is no mode of a ${parent.driver} (${modes.join(', ')})`);
  }
  requireParent(parent);
}

/** @param machine What the machine has routes to: behind a parent its own network is where containers are to be. */
function requireFree(context: ContainerContext, subnets: readonly NetworkSubnet[], machine: readonly Subnet[]): void {
  const parse = ({subnet}: NetworkSubnet) => parseSubnet(subnet) ?? [];
  const others = listNetworks(context).flatMap((network) => network.subnets.flatMap(parse));
  const used = [...machine.filter((subnet) => !isWide(subnet)), ...others];
  for (const subnet of subnets.flatMap(parse)) {
    const other = used.find((candidate) => overlaps(candidate, subnet));
    if (other) throw overlapping(subnet, other);
  }
}

const overlapping = (subnet: Subnet, other: Subnet): WinchError =>
  new WinchError('NETWORK_OVERLAPS', `${formatSubnet(subnet)} overlaps ${formatSubnet(other)}, which is in use here`, {
    kind: 'invalid',
    hint: 'choose another subnet, or none to have one chosen',
  });

const exists = (name: string): WinchError =>
  new WinchError('NETWORK_EXISTS', `there is a network ${name} already`, {
    kind: 'invalid',
    hint: 'remove it, or choose another name',
    details: {network: name},
  });

const invalid = (message: string): WinchError => new WinchError('NETWORK_INVALID', message, {kind: 'invalid'});
