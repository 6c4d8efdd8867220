import {isIP} from 'node:net';
import type {NetworkJoin} from '../../network/network-mode.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';

const FORM = '--network NAME, or --network name=NAME,alias=WORD,ip=ADDRESS,ip6=ADDRESS,mac-address=ADDRESS';

/**
 * One network to join: its name alone, or in docker's long form with what the container is in it.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export function parseNetworkJoin(word: string): NetworkJoin {
  if (!word.includes('=')) return {name: requireName(word, word)};
  const fields = word.split(',').map((field) => parseField(field, word));
  const valuesOf = (key: string) => fields.filter((field) => field.key === key).map(({value}) => value);
  const aliases = valuesOf('alias');
  const addresses = [...valuesOf('ip'), ...valuesOf('ip6')];
  const macAddress = valuesOf('mac-address').at(-1);
  for (const address of addresses) if (isIP(address) === 0) throw invalid(word, `${quote(address)} is no address`);
  if (macAddress !== undefined) requireMacAddress('--network', macAddress);
  return definedMembers({
    name: requireName(valuesOf('name').at(-1) ?? '', word),
    aliases: aliases.length > 0 ? aliases : undefined,
    addresses: addresses.length > 0 ? addresses : undefined,
    macAddress,
  });
}

/** @throws {WinchError} `FLAG_INVALID` */
export function requireMacAddress(flag: string, text: string): void {
  if (/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return;
  throw flagInvalid(flag, `${quote(text)} is no hardware address`, `${flag} 02:42:ac:11:00:02`);
}

const KEYS: readonly string[] = ['name', 'alias', 'ip', 'ip6', 'mac-address'];

function parseField(field: string, word: string): {readonly key: string; readonly value: string} {
  const equals = field.indexOf('=');
  const [key, value] = [field.slice(0, equals), field.slice(equals + 1)];
  if (equals > 0 && KEYS.includes(key) && value !== '') return {key, value};
  throw invalid(word, `${quote(field)} is nothing that is known`);
}

/** Docker calls its own default so. */
function requireName(name: string, word: string): string {
  if (name === 'default') return 'bridge';
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(name)) return name;
  throw invalid(word, name === '' ? 'the name is missing' : `${quote(name)} cannot be the name of a network`);
}

const invalid = (word: string, problem: string) => flagInvalid('--network', `${quote(word)}: ${problem}`, FORM);
