import {isIP} from 'node:net';
import type {PublishRequest} from '../../network/network-mode.ts';
import {
  isPortProtocol,
  type PortRange,
  readContainerPorts,
  readHostAddress,
  readHostPorts,
  readPortRange,
} from '../../network/port-form.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';

const FORM = '--publish [ADDRESS:][HOST-PORT:]CONTAINER-PORT[/udp], with ranges as 8000-8010';

/**
 * What one `--publish` asks, in docker's forms: `80`, `8080:80`, `127.0.0.1:8080:80`, `127.0.0.1::80`,
 * `[::1]:8080:80/udp`, `8000-8010:80-90`, `8000-8010:80` (any of them).
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parsePublish(text: string): readonly PublishRequest[] {
  const [ports = '', protocol = 'tcp', ...rest] = text.split('/');
  if (rest.length > 0 || !isPortProtocol(protocol)) throw invalid(text, 'has no protocol that is known');
  const {hostAddress, host, container} = splitPorts(text, ports);
  const containerPorts = readPortRange(container) ?? refuse(text, container);
  const hostPorts = readHostPorts(host) ?? refuse(text, host);
  return spread({containerPorts, hostPorts: hostPorts === 'any' ? null : hostPorts, text}).map((range) => ({
    hostAddress,
    ...range,
    protocol,
  }));
}

/** What one `--expose` names, as if it were published to any free port. @throws {WinchError} `FLAG_INVALID` */
export function parseExposed(text: string): readonly PublishRequest[] {
  const exposed = readContainerPorts(text);
  if (exposed === null) {
    const form = '--expose CONTAINER-PORT[/udp], from 1 to 65535, with ranges as 8000-8010';
    throw flagInvalid('--expose', `${quote(text)} is no port`, form);
  }
  const {ports, protocol} = exposed;
  const ranges = spread({containerPorts: ports, hostPorts: null, text});
  return ranges.map((range) => ({hostAddress: null, ...range, protocol}));
}

/** From the end: an address of IPv6 has colons, and stands in brackets. */
function splitPorts(text: string, ports: string) {
  const [, bracketed, plain, host = '', container = ''] =
    /^(?:(?:\[([^\]]*)\]|([^:[\]]*)):(?=[^:]*:))?(?:([^:]*):)?([^:]+)$/.exec(ports) ?? [];
  const address = bracketed ?? plain ?? '';
  if (container === '') throw invalid(text, 'is no port');
  if (address !== '' && isIP(address) === 0) throw invalid(text, `has ${quote(address)} for an address`);
  return {hostAddress: readHostAddress(address), host, container};
}

interface Ranges {
  readonly text: string;
  readonly containerPorts: PortRange;
  readonly hostPorts: PortRange | null;
}

/** One request for each port of the container; as many ports of the machine, or several to choose one of. */
function spread({text, containerPorts, hostPorts}: Ranges) {
  const count = containerPorts.last - containerPorts.first + 1;
  const isSameCount = hostPorts !== null && hostPorts.last - hostPorts.first + 1 === count;
  if (hostPorts !== null && !isSameCount && count > 1) throw invalid(text, 'has ranges of different lengths');
  return Array.from({length: count}, (_, index) => {
    const at = (hostPorts?.first ?? 0) + index;
    return {
      containerPort: containerPorts.first + index,
      hostPorts: isSameCount ? {first: at, last: at} : hostPorts,
    };
  });
}

function refuse(text: string, words: string): never {
  throw invalid(text, `has ${quote(words)} for a port`);
}

const invalid = (text: string, problem: string) => flagInvalid('--publish', `${quote(text)} ${problem}`, FORM);
