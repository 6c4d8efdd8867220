import type {PortProtocol} from './network-mode.ts';

/** Ports of this machine that a rule leads elsewhere. */
export interface ForwardedPorts {
  /** Null: of all of the machine's addresses. */
  readonly hostAddress: string | null;
  readonly first: number;
  readonly last: number;
  readonly protocol: PortProtocol;
}

const RULE = /^-A (?<chain>\S+) (?<match>.*-j (?:DNAT|REDIRECT)\b.*)$/;
const PORTS = /--(?:dport|dports|destination-ports?) (?<ports>[\d:,]+)/;

/**
 * The ports that others forward, from what `iptables-save` prints: where nobody listens for them, as for other stores and
 * for CNI's own plugins, whoever comes second would get no connection and no error. Pure.
 *
 * @param tag What the names of one's own chains begin with.
 */
export const parseForwardedPorts = (saved: string, tag: string): readonly ForwardedPorts[] =>
  saved.split('\n').flatMap((line) => {
    const {chain = '', match = ''} = RULE.exec(line)?.groups ?? {};
    const protocol = /(?:^| )-p (tcp|udp|sctp)\b/.exec(match)?.[1] as PortProtocol | undefined;
    const ports = PORTS.exec(match)?.groups?.ports;
    if (protocol === undefined || ports === undefined || chain.startsWith(`${tag}-`)) return [];
    const hostAddress = /(?:^| )-d ([^ /]+)(?:\/(?:32|128))? /.exec(match)?.[1] ?? null;
    return ports.split(',').map((range) => {
      const [first = '', last = first] = range.split(':');
      return {hostAddress, first: Number(first), last: Number(last), protocol};
    });
  });
