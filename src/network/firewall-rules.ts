import type {NetworkDefinition} from './definition.ts';
import type {PublishedPort} from './network-mode.ts';
import {parseSubnet} from './subnet.ts';

/** A published port and where in its network it leads. */
export interface Forwarding extends PublishedPort {
  readonly bridge: string;
  readonly address: string;
}

/** All that the firewall is to do for the containers of a store. */
export interface FirewallPlan {
  /** What the names of its chains have in common, and nobody else's have. */
  readonly tag: string;
  /** Networks that have members. */
  readonly networks: readonly NetworkDefinition[];
  readonly forwardings: readonly Forwarding[];
}

export interface FirewallState {
  readonly family: 4 | 6;
  /** What `iptables-save` prints now; lines that do not have the tag in them are of no concern. */
  readonly saved: string;
}

const LOCAL = '-m addrtype --dst-type LOCAL';
const ESTABLISHED = '-m conntrack --ctstate RELATED,ESTABLISHED';
const FORWARDED = '-m conntrack --ctstate DNAT';
const NEW_TO_LOOPBACK = '-d 127.0.0.0/8 -m conntrack ! --ctstate RELATED,ESTABLISHED';

/**
 * The input of `iptables-restore --noflush` that makes the rules of a store what the plan says, whatever they were, in
 * one transaction for each table. Without networks nothing of ours is left. Pure.
 *
 * Docker's rules, except that nothing but answers and published ports gets into a network from outside of it: not from
 * other networks, nor from machines that route to it.
 */
export function createRestoreScript(plan: FirewallPlan, {family, saved}: FirewallState): string {
  const present = parseSaved(saved, plan.tag);
  const networks = plan.networks.filter((network) => subnetOf(network, family) !== null);
  const tables =
    networks.length === 0 ? [] : [natTable({...plan, networks}, family), filterTable({...plan, networks}, family)];
  return ['nat', 'filter']
    .map((name) => formatTable(name, tables.find((table) => table.name === name) ?? null, present.get(name) ?? NOTHING))
    .join('');
}

/** Names of chains have at most 28 characters. */
const chainsOf = (tag: string) => ({
  ports: `${tag}-PORTS`,
  source: `${tag}-SOURCE`,
  forward: `${tag}-FORWARD`,
  input: `${tag}-INPUT`,
});

interface Table {
  readonly name: string;
  readonly chains: readonly string[];
  readonly rules: readonly string[];
}

function natTable({tag, networks, forwardings}: FirewallPlan, family: 4 | 6): Table {
  const {ports, source} = chainsOf(tag);
  return {
    name: 'nat',
    chains: [ports, source],
    rules: [
      ...forwardings.flatMap((forwarding) => destinationRule(ports, forwarding, family)),
      ...networks.flatMap((network) => sourceRules(source, network, family)),
      `-A PREROUTING ${LOCAL} -j ${ports}`,
      `-A OUTPUT ${LOCAL} -j ${ports}`,
      `-A POSTROUTING -j ${source}`,
    ],
  };
}

/** None where the address of this machine is of the other family than that of the container. */
function destinationRule(chain: string, forwarding: Forwarding, family: 4 | 6): readonly string[] {
  const {hostAddress, hostPort, address, containerPort, protocol} = forwarding;
  if (familyOf(address) !== family || (hostAddress !== null && familyOf(hostAddress) !== family)) return [];
  const destination = hostAddress === null ? '' : `-d ${hostAddress} `;
  const target = `${family === 6 ? `[${address}]` : address}:${containerPort}`;
  return [`-A ${chain} ${destination}-p ${protocol} --dport ${hostPort} -j DNAT --to-destination ${target}`];
}

function sourceRules(chain: string, network: NetworkDefinition, family: 4 | 6): readonly string[] {
  const subnet = subnetOf(network, family);
  const {bridge, isInternal} = network;
  return [
    // The answer to a member that came through this machine must go back through it.
    `-A ${chain} -s ${subnet} -d ${subnet} ${FORWARDED} -j MASQUERADE`,
    ...(isInternal ? [] : [`-A ${chain} -s ${subnet} ! -o ${bridge} -j MASQUERADE`]),
    // Nobody answers to a loopback address from another namespace.
    ...(family === 4 ? [`-A ${chain} -s 127.0.0.0/8 -o ${bridge} -j MASQUERADE`] : []),
  ];
}

function filterTable({tag, networks}: FirewallPlan, family: 4 | 6): Table {
  const {forward, input} = chainsOf(tag);
  return {
    name: 'filter',
    chains: [forward, input],
    rules: [
      ...networks.flatMap(({bridge, isInternal}) => [
        `-A ${forward} -i ${bridge} -o ${bridge} -j ACCEPT`,
        ...(isInternal ? [`-A ${forward} -i ${bridge} -j DROP`] : []),
        `-A ${forward} -o ${bridge} ${ESTABLISHED} -j ACCEPT`,
        `-A ${forward} -o ${bridge} ${FORWARDED} -j ACCEPT`,
        `-A ${forward} -o ${bridge} -j DROP`,
      ]),
      ...networks.map(({bridge}) => `-A ${forward} -i ${bridge} -j ACCEPT`),
      // Published ports need loopback addresses to be routed, which opens this machine's own to the containers.
      ...(family === 4 ? networks.map(({bridge}) => `-A ${input} -i ${bridge} ${NEW_TO_LOOPBACK} -j DROP`) : []),
      `-I FORWARD -j ${forward}`,
      `-I INPUT -j ${input}`,
    ],
  };
}

/** What there is of ours in a table. */
interface Present {
  readonly chains: readonly string[];
  /** Rules of others' chains that lead to ours. */
  readonly jumps: readonly string[];
}

const NOTHING: Present = Object.freeze({chains: [], jumps: []});

function parseSaved(saved: string, tag: string): ReadonlyMap<string, Present> {
  const tables = new Map<string, {chains: string[]; jumps: string[]}>();
  let table = {chains: [] as string[], jumps: [] as string[]};
  for (const line of saved.split('\n')) {
    const name = /^\*(\w+)/.exec(line)?.[1];
    if (name !== undefined) {
      table = tables.get(name) ?? {chains: [], jumps: []};
      tables.set(name, table);
    } else if (line.startsWith(`:${tag}-`)) table.chains.push(line.slice(1).split(' ', 1)[0] ?? '');
    else if (line.includes(` -j ${tag}-`) && !line.startsWith(`-A ${tag}-`)) table.jumps.push(line.slice(3));
  }
  return tables;
}

function formatTable(name: string, table: Table | null, {chains, jumps}: Present): string {
  if (table === null && chains.length === 0 && jumps.length === 0) return '';
  const gone = chains.filter((chain) => !table?.chains.includes(chain));
  const lines = [
    `*${name}`,
    // Declared, a chain is there and empty.
    ...[...(table?.chains ?? []), ...gone].map((chain) => `:${chain} - [0:0]`),
    ...jumps.map((jump) => `-D ${jump}`),
    ...(table?.rules ?? []),
    ...gone.map((chain) => `-X ${chain}`),
    'COMMIT',
  ];
  return `${lines.join('\n')}\n`;
}

const subnetOf = ({subnets}: NetworkDefinition, family: 4 | 6): string | null =>
  subnets.find(({subnet}) => parseSubnet(subnet)?.family === family)?.subnet ?? null;

const familyOf = (address: string): 4 | 6 => (address.includes(':') ? 6 : 4);
