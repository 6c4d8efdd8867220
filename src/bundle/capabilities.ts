import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {RuntimeCapabilities} from '../oci/runtime-spec.ts';
import type {ContainerOptions} from './container-options.ts';

/** By bit number. @see linux/capability.h */
const NAMES: readonly string[] = `
  CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
  NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
  SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
  MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`
  .trim()
  .split(/\s+/)
  .map((name) => `CAP_${name}`);

/** What docker leaves to a container's root. */
const DEFAULTS: readonly string[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_FSETID',
  'CAP_FOWNER',
  'CAP_MKNOD',
  'CAP_NET_RAW',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETFCAP',
  'CAP_SETPCAP',
  'CAP_NET_BIND_SERVICE',
  'CAP_SYS_CHROOT',
  'CAP_KILL',
  'CAP_AUDIT_WRITE',
];

/** The capabilities of a mask as `/proc/<pid>/status` prints it (hexadecimal). */
export function decodeCapabilityMask(mask: string): readonly string[] {
  const bits = BigInt(`0x${mask}`);
  return NAMES.filter((_, bit) => (bits >> BigInt(bit)) & 1n);
}

/**
 * Docker's 14 capabilities, plus and minus what the caller asks; all of them when privileged. `ALL` is understood on
 * both sides: added, it means everything but the dropped ones; dropped, only what is added remains.
 *
 * Inheritable and ambient stay empty, so that a program without file capabilities gains none (CVE-2022-24769). Defaults
 * that `supported` lacks are left out in silence, as in a container within a container.
 *
 * @param supported The bounding set of this process: nothing outside of it can be given.
 * @throws {WinchError} `CAPABILITY_UNKNOWN` | `CAPABILITY_UNAVAILABLE`
 */
export function createCapabilities(options: ContainerOptions, supported: readonly string[]): RuntimeCapabilities {
  const granted = options.privileged === true ? supported : selectCapabilities(options, supported);
  return {bounding: granted, effective: granted, permitted: granted, inheritable: [], ambient: []};
}

function selectCapabilities(options: ContainerOptions, supported: readonly string[]): readonly string[] {
  const added = (options.capabilitiesToAdd ?? []).map(normalizeName);
  const dropped = (options.capabilitiesToDrop ?? []).map(normalizeName);
  for (const name of added) if (name !== 'ALL') requireSupported(name, supported);
  if (added.includes('ALL')) return supported.filter((name) => !dropped.includes(name));
  const base = dropped.includes('ALL') ? [] : DEFAULTS.filter((name) => !dropped.includes(name));
  return [...new Set([...base.filter((name) => supported.includes(name)), ...added])];
}

function normalizeName(text: string): string {
  const word = text.toUpperCase();
  const name = word === 'ALL' || word.startsWith('CAP_') ? word : `CAP_${word}`;
  if (name === 'ALL' || NAMES.includes(name)) return name;
  throw new WinchError('CAPABILITY_UNKNOWN', `there is no capability ${excerpt(text)}`, {
    kind: 'invalid',
    hint: 'capabilities(7) lists them; the CAP_ in front may be left out',
  });
}

function requireSupported(name: string, supported: readonly string[]): void {
  if (supported.includes(name)) return;
  throw new WinchError('CAPABILITY_UNAVAILABLE', `${name} cannot be given: this process does not have it itself`, {
    kind: 'unsupported',
    hint: 'run winch with that capability in its bounding set',
  });
}
