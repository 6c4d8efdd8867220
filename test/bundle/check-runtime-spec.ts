type Json = Readonly<Record<string, unknown>>;

const CAPABILITY = /^CAP_[A-Z_]+$/;
const NAMESPACES = ['mount', 'pid', 'network', 'uts', 'ipc', 'user', 'cgroup', 'time'];
const PROPAGATIONS = ['private', 'shared', 'slave', 'unbindable'];
const OPERATORS = ['NE', 'LT', 'LE', 'EQ', 'GE', 'GT', 'MASKED_EQ'].map((name) => `SCMP_CMP_${name}`);

/**
 * What a parsed config.json breaks of the rules that runtime-spec v1.0.2 states in config.md, config-linux.md and its
 * JSON schema, for the members that winch writes. Empty when it is valid.
 */
export function findViolations(spec: unknown): readonly string[] {
  const violations: string[] = [];
  const check = (holds: boolean, rule: string) => void (holds || violations.push(rule));
  const root = object(spec);
  const process = object(root.process);
  const linux = object(root.linux);
  check(/^1\.\d+\.\d+$/.test(String(root.ociVersion)), 'ociVersion is a 1.x version');
  check(typeof object(root.root).path === 'string', 'root.path is a string');
  checkProcess(process, check);
  checkMounts(list(root.mounts), check);
  check(isTextRecord(root.annotations), 'annotations are strings');
  check(isTextRecord(linux.sysctl), 'sysctls are strings');
  check(linux.cgroupsPath === undefined || String(linux.cgroupsPath).startsWith('/'), 'cgroupsPath is absolute');
  const propagation = linux.rootfsPropagation;
  check(propagation === undefined || PROPAGATIONS.includes(String(propagation)), 'rootfsPropagation is known');
  const types = list(linux.namespaces).map((namespace) => String(object(namespace).type));
  check(
    types.every((type) => NAMESPACES.includes(type)),
    'namespace types are known',
  );
  check(new Set(types).size === types.length, 'a namespace type appears once');
  for (const path of [...list(linux.maskedPaths), ...list(linux.readonlyPaths)]) {
    check(String(path).startsWith('/'), `hidden path ${path} is absolute`);
  }
  checkDevices(linux, check);
  checkBlockIo(object(object(linux.resources).blockIO), check);
  checkSeccomp(linux.seccomp, check);
  return violations;
}

type Check = (holds: boolean, rule: string) => void;

function checkProcess(process: Json, check: Check): void {
  const {uid, gid, additionalGids} = object(process.user);
  check([uid, gid, ...list(additionalGids)].every(isUint32), 'ids are uint32');
  check(String(process.cwd).startsWith('/'), 'cwd is absolute');
  check(list(process.args).length > 0 && list(process.args).every(isText), 'args has a string');
  check(
    list(process.env).every((entry) => /^[^=]+=/s.test(String(entry))),
    'env entries are NAME=value',
  );
  for (const [set, names] of Object.entries(object(process.capabilities))) {
    check(
      list(names).every((name) => CAPABILITY.test(String(name))),
      `capabilities.${set} are names`,
    );
  }
  for (const rlimit of list(process.rlimits).map(object)) {
    check(/^RLIMIT_[A-Z]+$/.test(String(rlimit.type)), 'rlimit has a type');
    check(Number(rlimit.soft) >= 0 && Number(rlimit.hard) >= Number(rlimit.soft), 'rlimit soft is within hard');
  }
}

function checkMounts(mounts: readonly unknown[], check: Check): void {
  const destinations = mounts.map((mount) => String(object(mount).destination));
  check(
    destinations.every((path) => path.startsWith('/')),
    'mount destinations are absolute',
  );
  check(new Set(destinations).size === destinations.length, 'a destination appears once');
  for (const [position, path] of destinations.entries()) {
    const later = destinations.slice(position + 1);
    check(!later.some((other) => path.startsWith(`${other}/`)), `${path} comes after its parents`);
  }
  for (const mount of mounts.map(object)) {
    if (mount.type === 'bind') {
      check(
        list(mount.options).some((option) => option === 'bind' || option === 'rbind'),
        'a bind mount says so',
      );
    }
  }
}

function checkDevices(linux: Json, check: Check): void {
  for (const device of list(linux.devices).map(object)) {
    check(String(device.path).startsWith('/') && /^[cbup]$/.test(String(device.type)), 'devices have path and type');
  }
  for (const rule of list(object(linux.resources).devices).map(object)) {
    check(typeof rule.allow === 'boolean' && /^[rwm]{1,3}$/.test(String(rule.access)), 'device rules are complete');
  }
}

function checkBlockIo({weight = 10, weightDevice, ...throttles}: Json, check: Check): void {
  const isWeight = (value: unknown) => Number(value) >= 10 && Number(value) <= 1000;
  const hasNumbers = ({major, minor}: Json) => isUint32(major) && isUint32(minor);
  check(isWeight(weight), 'a weight is from 10 to 1000');
  for (const device of list(weightDevice).map(object)) {
    check(hasNumbers(device) && isWeight(device.weight), 'a weighed device has numbers and a weight');
  }
  for (const [name, devices] of Object.entries(throttles)) {
    check(/^throttle(Read|Write)(Bps|IOPS)Device$/.test(name), 'throttles are known');
    check(
      list(devices)
        .map(object)
        .every((device) => hasNumbers(device) && Number.isSafeInteger(device.rate)),
      'a throttled device has numbers and a rate',
    );
  }
}

function checkSeccomp(value: unknown, check: Check): void {
  if (value === undefined) return;
  const seccomp = object(value);
  check(String(seccomp.defaultAction).startsWith('SCMP_ACT_'), 'seccomp has a default action');
  check(
    list(seccomp.architectures).every((name) => /^SCMP_ARCH_[A-Z0-9_]+$/.test(String(name))),
    'architectures are names',
  );
  for (const rule of list(seccomp.syscalls).map(object)) {
    check(list(rule.names).length > 0 && list(rule.names).every(isText), 'a rule names system calls');
    check(String(rule.action).startsWith('SCMP_ACT_'), 'a rule has an action');
    for (const argument of list(rule.args).map(object)) {
      check(isUint32(argument.index) && OPERATORS.includes(String(argument.op)), 'an argument has index and operator');
    }
  }
}

const object = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const isText = (value: unknown): boolean => typeof value === 'string' && !value.includes('\0');
const isTextRecord = (value: unknown): boolean => Object.values(object(value)).every(isText);
const isUint32 = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32;
