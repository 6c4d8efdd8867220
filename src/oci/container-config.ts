import {WinchError} from '../errors.ts';
import {definedMembers} from './defined-members.ts';
import {excerpt} from './excerpt.ts';
import {type HealthConfig, readHealthConfig} from './health-config.ts';
import {type JsonObject, refuseCaseTwins} from './strict-json.ts';

/**
 * The container that an image asks for (image-spec v1.1.1 config.md#properties). Empty strings and nulls, as docker
 * writes them, are absent here.
 */
export interface ContainerConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  /** `NAME=value`, newlines and all. */
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
  readonly User?: string;
  /** Only the keys mean something. */
  readonly ExposedPorts?: Readonly<Record<string, unknown>>;
  /** Only the keys mean something: paths, as the image wrote them. */
  readonly Volumes?: Readonly<Record<string, unknown>>;
  readonly Labels?: Readonly<Record<string, string>>;
  /** As the image wrote it; may name no signal. */
  readonly StopSignal?: string;
  readonly Shell?: readonly string[];
  readonly Healthcheck?: HealthConfig;
}

const CONTAINER_KEYS = [
  'Entrypoint',
  'Cmd',
  'Env',
  'WorkingDir',
  'User',
  'ExposedPorts',
  'Volumes',
  'Labels',
  'StopSignal',
  'Shell',
  'Healthcheck',
];

/**
 * The `config` member of an image config; what it does not say is absent.
 *
 * @throws {WinchError} `CONFIG_INVALID`
 */
export function readContainerConfig(value: unknown, where: string): ContainerConfig {
  const config = readObject(value, where) ?? {};
  refuseCaseTwins(config, CONTAINER_KEYS, {where, code: 'CONFIG_INVALID'});
  return definedMembers({
    Entrypoint: readArguments(config.Entrypoint, `${where}.Entrypoint`),
    Cmd: readArguments(config.Cmd, `${where}.Cmd`),
    Env: readEnvironment(config.Env, `${where}.Env`),
    WorkingDir: readArgument(config.WorkingDir, `${where}.WorkingDir`),
    User: readArgument(config.User, `${where}.User`),
    ExposedPorts: readObject(config.ExposedPorts, `${where}.ExposedPorts`),
    Volumes: readObject(config.Volumes, `${where}.Volumes`),
    Labels: readLabels(config.Labels, `${where}.Labels`),
    StopSignal: readString(config.StopSignal, `${where}.StopSignal`),
    Shell: readArguments(config.Shell, `${where}.Shell`),
    Healthcheck: readHealthConfig(config.Healthcheck, `${where}.Healthcheck`, {
      readObject,
      readArguments,
      refuse: refuseConfig,
    }),
  });
}

function readEnvironment(value: unknown, where: string): readonly string[] | undefined {
  const environment = readArguments(value, where);
  for (const [at, variable] of environment?.entries() ?? []) {
    if (variable.indexOf('=') < 1) refuseConfig(`${where}[${at}]`, `is ${excerpt(variable)} and not NAME=value`);
  }
  return environment;
}

function readLabels(value: unknown, where: string): Readonly<Record<string, string>> | undefined {
  const labels = readObject(value, where);
  for (const [name, label] of Object.entries(labels ?? {})) {
    if (typeof label !== 'string') refuseConfig(where, `has ${excerpt(name)}, which is no string`);
  }
  return labels as Readonly<Record<string, string>> | undefined;
}

const readArguments = (value: unknown, where: string): readonly string[] | undefined =>
  readList(value, where)?.map((item, at) =>
    typeof item === 'string' ? refuseNul(item, `${where}[${at}]`) : refuseConfig(`${where}[${at}]`, 'is no string'),
  );

function readArgument(value: unknown, where: string): string | undefined {
  const text = readString(value, where);
  return text === undefined ? undefined : refuseNul(text, where);
}

/** The kernel ends every string of a process at its first NUL. */
const refuseNul = (text: string, where: string): string =>
  text.includes('\0') ? refuseConfig(where, 'contains a NUL character') : text;

/** A string; empty, null and absent are the same, as docker writes all of them. */
export function readString(value: unknown, where: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return typeof value === 'string' ? value : refuseConfig(where, 'is no string');
}

/** A list; null and absent are the same. */
export function readList(value: unknown, where: string): readonly unknown[] | undefined {
  if (value === undefined || value === null) return undefined;
  return Array.isArray(value) ? value : refuseConfig(where, 'is no list');
}

/** An object; null and absent are the same. */
export function readObject(value: unknown, where: string): JsonObject | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'object' && !Array.isArray(value)
    ? (value as JsonObject)
    : refuseConfig(where, 'is no object');
}

/** Says what is wrong where in an image config. */
export function refuseConfig(where: string, fault: string): never {
  throw new WinchError('CONFIG_INVALID', `${where} ${fault}`, {
    kind: 'refused',
    hint: 'the image has to be built anew',
  });
}
