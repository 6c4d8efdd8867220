import type {PortProtocol, PublishRequest} from './network-mode.ts';

export type PortRange = NonNullable<PublishRequest['hostPorts']>;

const LAST_PORT = 65_535;
const PROTOCOLS: readonly string[] = ['tcp', 'udp', 'sctp'] satisfies readonly PortProtocol[];
const EVERYWHERE: readonly string[] = ['', '0.0.0.0', '::'];

/** `80`, `8000-8010`; null: there are no such ports. */
export function readPortRange(text: string): PortRange | null {
  const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
  const [first, last] = [Number(from), Number(to)];
  return first > 0 && first <= last && last <= LAST_PORT ? {first, last} : null;
}

/** As `readPortRange`, of this machine. @returns `any`: nothing, or docker's 0 */
export const readHostPorts = (text: string): PortRange | 'any' | null =>
  text === '' || text === '0' ? 'any' : readPortRange(text);

/** `80`, `53/udp`, `8000-8010/tcp`; null: there are no such ports. */
export function readContainerPorts(text: string): {readonly ports: PortRange; readonly protocol: PortProtocol} | null {
  const [range = '', protocol = 'tcp', ...surplus] = text.split('/');
  const ports = readPortRange(range);
  return ports && isPortProtocol(protocol) && surplus.length === 0 ? {ports, protocol} : null;
}

/** Null: all addresses of this machine. */
export const readHostAddress = (text: string): string | null => (EVERYWHERE.includes(text) ? null : text);

export const isPortProtocol = (word: string): word is PortProtocol => PROTOCOLS.includes(word);
