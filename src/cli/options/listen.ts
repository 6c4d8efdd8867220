import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {hasErrno, WinchError} from '../../errors.ts';
import type {ListenPlace, MutualTls} from '../../http-server/listen-place.ts';
import {flag, grouped, list, type OptionValues, text} from '../arguments/option-table.ts';
import {argumentsInvalid, flagInvalid, flagsConflict, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';

/** Where a server listens, and who may connect. */
export const LISTEN_FLAGS = {
  host: list('ADDRESS', 'Where to listen: unix://PATH, tcp://ADDRESS:PORT, or fd:// for what systemd hands over', {
    short: 'H',
    defaultsTo:
      'what systemd hands over, else unix:///run/winch.sock for root, unix://$XDG_RUNTIME_DIR/winch.sock for others',
  }),
  group: text('GROUP', 'Who may connect to the sockets besides this user: a name, or a number'),
  ...grouped('TCP, which is served to those alone who show a certificate:', {
    tlsverify: flag('Serve TCP, with certificates of both sides'),
    tlscacert: text('FILE', 'The authority of the certificates of clients (PEM)', {defaultsTo: '~/.docker/ca.pem'}),
    tlscert: text('FILE', 'The certificate of the server (PEM)', {defaultsTo: '~/.docker/cert.pem'}),
    tlskey: text('FILE', 'Its key (PEM)', {defaultsTo: '~/.docker/key.pem'}),
  }),
};

type ListenValues = OptionValues<typeof LISTEN_FLAGS>;

const SOCKET = 'unix://';
const DEFAULT_PORT = 2376;
const DEFAULT_REGISTRY_PORT = 5001;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/i;
const FIRST_INHERITED = 3;
const MOST_INHERITED = 64;
const GROUP_FILE = '/etc/group';

/**
 * The places that flags name, and that systemd hands over (sd_listen_fds(3)); without either, the socket of this user.
 *
 * @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT` | `GROUP_UNKNOWN` | `ARGUMENTS_INVALID`
 */
export function parseListenPlaces(values: ListenValues, environment: Environment): readonly ListenPlace[] {
  const groupId = values.group === undefined ? null : parseGroup(values.group);
  const tls = readTls(values, environment);
  const inherited = inheritedPlaces(environment, tls);
  if (values.host === undefined) {
    return inherited.length > 0 ? inherited : [{type: 'socket', path: defaultSocket(environment), groupId}];
  }
  return values.host.flatMap((host): readonly ListenPlace[] => {
    if (host === 'fd://') return requireInherited(inherited);
    if (host.startsWith(`${SOCKET}/`)) return [{type: 'socket', path: host.slice(SOCKET.length), groupId}];
    const address = parseAddress(host.startsWith('tcp://') ? host.slice('tcp://'.length) : '', DEFAULT_PORT);
    if (address === null) throw flagInvalid('--host', `${quote(host)} is no place to listen on`, EXAMPLES);
    if (tls === null) throw flagsConflict(`--host ${host} would let everybody in who can reach it`, 'add --tlsverify');
    return [{type: 'port', ...address, tls}];
  });
}

/** Where a registry listens, which needs no certificates on this machine alone. */
export function parseRegistryPlace(address: string, values: ListenValues, environment: Environment): ListenPlace {
  const place = parseAddress(address, DEFAULT_REGISTRY_PORT);
  if (place === null) throw flagInvalid('--registry', `${quote(address)} is no address`, '--registry 127.0.0.1:5001');
  const isLocal = LOOPBACK.test(place.host);
  const tls = isLocal ? null : readTls(values, environment);
  if (!isLocal && tls === null) {
    throw flagsConflict(`--registry ${address} would give everybody what this user may pull`, 'add --tlsverify');
  }
  return {type: 'port', ...place, tls};
}

const EXAMPLES = `--host ${SOCKET}/run/winch.sock or --host tcp://127.0.0.1:2376`;

/** `ADDRESS:PORT`, with brackets around an IPv6 address; the port may be left out. Null: it is none. */
export function parseAddress(text: string, defaultPort: number): {readonly host: string; readonly port: number} | null {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([a-zA-Z0-9.-]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  return host === undefined || port > 65_535 ? null : {host, port};
}

/** Null: TCP is not to be served. */
function readTls(values: ListenValues, {homeDirectory}: Environment): MutualTls | null {
  const {tlscacert, tlscert, tlskey} = values;
  if (!values.tlsverify) {
    if (tlscacert === undefined && tlscert === undefined && tlskey === undefined) return null;
    throw flagsConflict('certificates are for TCP, which is not served', 'add --tlsverify');
  }
  const read = (name: string, given: string | undefined, usual: string): string => {
    const path = given ?? join(homeDirectory, '.docker', usual);
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw flagInvalid(name, `${quote(path)} cannot be read: ${reason}`, `${name} FILE`);
    }
  };
  return {
    authorities: read('--tlscacert', tlscacert, 'ca.pem'),
    certificate: read('--tlscert', tlscert, 'cert.pem'),
    key: read('--tlskey', tlskey, 'key.pem'),
  };
}

/** Whether systemd has handed over sockets to this process. */
export const isHandedOver = (environment: Environment): boolean => inheritedPlaces(environment, null).length > 0;

/** The variables stay behind in children of the process that they are for. */
function inheritedPlaces({variables}: Environment, tls: MutualTls | null): readonly ListenPlace[] {
  const {LISTEN_PID: pid, LISTEN_FDS: count = ''} = variables;
  if (pid !== String(process.pid) || !/^\d{1,2}$/.test(count)) return [];
  return Array.from({length: Math.min(Number(count), MOST_INHERITED)}, (_, index) => ({
    type: 'inherited',
    descriptor: FIRST_INHERITED + index,
    tls,
  }));
}

function requireInherited(inherited: readonly ListenPlace[]): readonly ListenPlace[] {
  if (inherited.length > 0) return inherited;
  throw argumentsInvalid(
    'nobody has handed over a socket (fd://)',
    'start it by a systemd socket unit, or listen elsewhere',
  );
}

export function defaultSocket({variables, userId}: Pick<Environment, 'variables' | 'userId'>): string {
  if (userId === 0) return '/run/winch.sock';
  return join(variables.XDG_RUNTIME_DIR || `/run/user/${userId}`, 'winch.sock');
}

function parseGroup(group: string): number {
  if (/^\d{1,10}$/.test(group)) return Number(group);
  const groups = readGroups().map((line) => line.split(':'));
  const groupId = groups.find(([name]) => name === group)?.[2] ?? '';
  if (group !== '' && /^\d{1,10}$/.test(groupId)) return Number(groupId);
  throw new WinchError('GROUP_UNKNOWN', `there is no group ${quote(group)} in ${GROUP_FILE}`, {
    kind: 'invalid',
    hint: 'write its number, or the name of one that is there',
  });
}

function readGroups(): readonly string[] {
  try {
    return readFileSync(GROUP_FILE, 'utf8').split('\n');
  } catch (error) {
    if (hasErrno(error, 'ENOENT', 'EACCES')) return [];
    throw error;
  }
}
