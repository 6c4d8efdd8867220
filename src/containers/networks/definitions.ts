import {createHash} from 'node:crypto';
import {mkdirSync, readFileSync, rmSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {WinchError} from '../../errors.ts';
import {writeFileAtomic} from '../../host/atomic-write.ts';
import {DEFAULT_NETWORK, type NetworkDefinition} from '../../network/definition.ts';
import {formatAddress, parseSubnet, type Subnet} from '../../network/subnet.ts';
import {chooseSubnet, readUsedSubnets} from '../../network/used-subnets.ts';
import {excerpt} from '../../oci/excerpt.ts';
import {namesIn, unlessGone} from '../../store/unless-gone.ts';
import type {ContainerContext} from '../context.ts';
import {defaultNetworkFile, storeTag} from './places.ts';

const NAME_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/;
/** Words that `--network` takes for something else. */
const RESERVED: readonly string[] = ['none', 'host', 'default', 'container', 'ns', 'private', DEFAULT_NETWORK];
const SUFFIX = '.json';

/** @throws {WinchError} `NETWORK_NAME_INVALID` */
export function requireNetworkName(name: string): void {
  if (NAME_PATTERN.test(name) && !RESERVED.includes(name)) return;
  throw new WinchError('NETWORK_NAME_INVALID', `${excerpt(name)} cannot be the name of a network`, {
    kind: 'invalid',
    hint: 'letters, digits, "_", "." and "-" are allowed, a letter or digit first; none, host and bridge are taken',
  });
}

/**
 * A network by its name. The default one is made when it is not there.
 *
 * Whoever calls holds the lock of the networks.
 *
 * @throws {WinchError} `NETWORK_UNKNOWN` | `NETWORK_SUBNETS_USED`
 */
export async function requireNetwork(context: ContainerContext, name: string): Promise<NetworkDefinition> {
  const found = name === DEFAULT_NETWORK ? findDefaultNetwork(context) : findNetwork(context, name);
  if (found) return found;
  if (name === DEFAULT_NETWORK) return makeDefaultNetwork(context);
  throw unknownNetwork(name);
}

/** The networks that somebody has made, by name. */
export const listNetworks = (context: ContainerContext): readonly NetworkDefinition[] =>
  namesIn(context.store.paths.networks)
    .filter((name) => name.endsWith(SUFFIX))
    .flatMap((name) => findNetwork(context, name.slice(0, -SUFFIX.length)) ?? [])
    .toSorted((one, other) => one.name.localeCompare(other.name));

/** Null: nobody uses it. */
export const findDefaultNetwork = (context: ContainerContext): NetworkDefinition | null =>
  readDefinition(defaultNetworkFile(context));

export const findNetwork = (context: ContainerContext, name: string): NetworkDefinition | null =>
  NAME_PATTERN.test(name) ? readDefinition(networkFile(context, name)) : null;

export async function saveNetwork(context: ContainerContext, network: NetworkDefinition): Promise<void> {
  const {durability} = context.store;
  await writeFileAtomic(networkFile(context, network.name), encode(network), {durability, mode: 0o600});
}

export const removeNetworkFile = (context: ContainerContext, {name}: NetworkDefinition): void =>
  rmSync(name === DEFAULT_NETWORK ? defaultNetworkFile(context) : networkFile(context, name), {force: true});

export const unknownNetwork = (name: string): WinchError =>
  new WinchError('NETWORK_UNKNOWN', `there is no network ${excerpt(name)}`, {
    kind: 'not-found',
    hint: 'list the networks that there are, or create it',
    details: {network: name},
  });

/** The device of a network; two stores on one machine do not share any. */
export const bridgeOf = (context: ContainerContext, name: string): string => `winch-${storeTag(context, name)}`;

export const networkId = (context: ContainerContext, name: string): string =>
  hashOf(storeTag(context), name, String(context.now()));

/** The same whenever it is made, as clients keep it. */
export const defaultNetworkId = (context: ContainerContext): string => hashOf(storeTag(context), DEFAULT_NETWORK);

const hashOf = (...words: readonly string[]): string => createHash('sha256').update(words.join('\0')).digest('hex');

/**
 * A subnet that nobody on this machine uses, with its first address for the machine itself.
 *
 * @throws {WinchError} `NETWORK_SUBNETS_USED`
 */
export function chooseFreeSubnet(context: ContainerContext, name: string): {subnet: string; gateway: string} {
  const own = listNetworks(context).flatMap(({subnets}) => subnets.flatMap(({subnet}) => parseSubnet(subnet) ?? []));
  const subnet = chooseSubnet([...readUsedSubnets(), ...own], Number.parseInt(storeTag(context, name), 16));
  if (subnet !== null) return {subnet, gateway: gatewayOf(parseSubnet(subnet) as Subnet)};
  throw new WinchError('NETWORK_SUBNETS_USED', 'every private subnet overlaps one that this machine uses', {
    kind: 'unavailable',
    hint: 'name the subnet of the network yourself',
  });
}

export const gatewayOf = ({family, first}: Subnet): string => formatAddress(family, first + 1n);

async function makeDefaultNetwork(context: ContainerContext): Promise<NetworkDefinition> {
  const network: NetworkDefinition = {
    name: DEFAULT_NETWORK,
    id: defaultNetworkId(context),
    created: new Date(context.now()).toISOString(),
    bridge: bridgeOf(context, DEFAULT_NETWORK),
    subnets: [{...chooseFreeSubnet(context, DEFAULT_NETWORK), range: null}],
    isInternal: false,
    mtu: null,
    labels: {},
  };
  const path = defaultNetworkFile(context);
  mkdirSync(dirname(path), {recursive: true, mode: 0o700});
  await writeFileAtomic(path, encode(network), {durability: 'fast', mode: 0o600});
  return network;
}

const networkFile = ({store}: ContainerContext, name: string): string => join(store.paths.networks, `${name}${SUFFIX}`);

const encode = (network: NetworkDefinition): Buffer => Buffer.from(`${JSON.stringify(network, null, 2)}\n`);

function readDefinition(path: string): NetworkDefinition | null {
  const text = unlessGone(() => readFileSync(path, 'utf8'), null);
  if (text === null) return null;
  try {
    return JSON.parse(text) as NetworkDefinition;
  } catch (error) {
    throw new WinchError('STORE_CORRUPT', `${path} is damaged`, {
      kind: 'corrupt',
      hint: 'remove the network and make it again',
      cause: error,
    });
  }
}
