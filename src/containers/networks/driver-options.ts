import {WinchError} from '../../errors.ts';
import type {NetworkDriver, NetworkParent} from '../../network/definition.ts';
import {PARENT_MODES} from '../../network/parent-config.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {excerpt} from '../../oci/excerpt.ts';
import type {CreateNetworkRequest} from './create-network.ts';

type DriverOptions = Readonly<Record<string, string>>;

const MTU_KEYS: readonly string[] = ['com.docker.network.driver.mtu', 'mtu'];
const PARENT = 'parent';
/** What IPv4 needs at least, and the most that a device has. */
const LEAST_MTU = 68;
const MOST_MTU = 65_535;
/** What docker may be told of a bridge, and every bridge of winch is. */
const AS_IT_IS: DriverOptions = Object.freeze({
  'com.docker.network.bridge.enable_icc': 'true',
  'com.docker.network.bridge.enable_ip_masquerade': 'true',
  'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
});

/**
 * What the options of a network's driver ask for, by the names that docker and podman have for them.
 *
 * @throws {WinchError} `NETWORK_INVALID`
 */
export function readDriverOptions(
  options: DriverOptions,
  driver: NetworkDriver,
): Pick<CreateNetworkRequest, 'parent' | 'mtu'> {
  requireOwnOptions(options, driver);
  return definedMembers({
    parent: driver === 'bridge' ? undefined : readParent(driver, options),
    mtu: readMtu(options),
  });
}

/** Docker has the driver in the key of its mode, podman has not. */
const modeKeys = (driver: NetworkDriver): readonly string[] => [`${driver}_mode`, 'mode'];

function requireOwnOptions(options: DriverOptions, driver: NetworkDriver): void {
  const known = [...MTU_KEYS, ...(driver === 'bridge' ? [] : [PARENT, ...modeKeys(driver)])];
  const isAsIs = (key: string) => driver === 'bridge' && Object.hasOwn(AS_IT_IS, key) && AS_IT_IS[key] === options[key];
  const unknown = Object.keys(options).find((key) => !known.includes(key) && !isAsIs(key));
  if (unknown === undefined) return;
  throw invalid(
    `the option ${excerpt(`${unknown}=${options[unknown]}`)} is not known of a ${driver}`,
    `its options are ${known.join(', ')}`,
  );
}

function readParent(driver: NetworkParent['driver'], options: DriverOptions): NetworkParent {
  const device = options[PARENT];
  if (!device) throw invalid(`a ${driver} needs a device of this machine`, 'name it by the option parent=eth0');
  const mode = modeKeys(driver)
    .map((key) => options[key])
    .find((value) => value !== undefined);
  return {driver, device, mode: mode ?? PARENT_MODES[driver][0] ?? ''};
}

function readMtu(options: DriverOptions): number | undefined {
  const text = MTU_KEYS.map((key) => options[key]).find((value) => value !== undefined);
  if (text === undefined) return undefined;
  const mtu = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (mtu >= LEAST_MTU && mtu <= MOST_MTU) return mtu;
  throw invalid(`${excerpt(text)} is no mtu`, `it is a whole number from ${LEAST_MTU} to ${MOST_MTU}`);
}

const invalid = (message: string, hint: string): WinchError =>
  new WinchError('NETWORK_INVALID', message, {kind: 'invalid', hint});
