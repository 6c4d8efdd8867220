import {posix} from 'node:path';
import {isArray, isString} from '@sindresorhus/is';
import {WinchError} from '../../errors.ts';
import {readContainerPorts} from '../../network/port-form.ts';
import type {ContainerConfig} from '../../oci/container-config.ts';
import {excerpt} from '../../oci/excerpt.ts';
import {readHealthChange} from './health-change.ts';

type Change = (config: ContainerConfig, value: string, text: string) => ContainerConfig;

const SHELL = Object.freeze(['/bin/sh', '-c']);
/** A quoted part, an escaped character, or one that is neither. */
const WORD_PATTERN = /(?:"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s"'\\])+/gs;
const PART_PATTERN = /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/gs;

const CHANGES: Readonly<Record<string, Change>> = Object.freeze({
  CMD: (config, value) => ({...config, Cmd: command(value)}),
  ENTRYPOINT: (config, value) => ({...config, Entrypoint: command(value)}),
  ENV: (config, value, text) => {
    const given = pairs(value, text);
    const names = given.map(([name]) => `${name}=`);
    const kept = (config.Env ?? []).filter((variable) => !names.some((name) => variable.startsWith(name)));
    return {...config, Env: [...kept, ...given.map(([name, content]) => `${name}=${content}`)]};
  },
  EXPOSE: (config, value, text) => {
    const ports = words(value, text).map((port) => [readPort(port, text), {}]);
    return {...config, ExposedPorts: {...config.ExposedPorts, ...Object.fromEntries(ports)}};
  },
  HEALTHCHECK: (config, value, text) => {
    const check = readHealthChange(value, readJsonList);
    if (check === null) throw invalid(text, 'it is neither NONE nor flags and CMD with a command');
    return {...config, Healthcheck: check};
  },
  LABEL: (config, value, text) => ({
    ...config,
    Labels: {...config.Labels, ...Object.fromEntries(pairs(value, text))},
  }),
  STOPSIGNAL: (config, value) => ({...config, StopSignal: value}),
  USER: (config, value) => ({...config, User: value}),
  VOLUME: (config, value, text) => {
    const paths = (readJsonList(value) ?? words(value, text)).map((path) => [path, {}]);
    return {...config, Volumes: {...config.Volumes, ...Object.fromEntries(paths)}};
  },
  WORKDIR: (config, value) => ({...config, WorkingDir: posix.resolve('/', config.WorkingDir ?? '', value)}),
});

/**
 * A container's configuration changed by instructions of a Dockerfile: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL,
 * STOPSIGNAL, USER, VOLUME, WORKDIR.
 *
 * @throws {WinchError} `CHANGE_INVALID`
 */
export const applyChanges = (config: ContainerConfig, changes: readonly string[]): ContainerConfig =>
  changes.reduce(applyChange, config);

function applyChange(config: ContainerConfig, text: string): ContainerConfig {
  const [, name = '', value = ''] = /^\s*([A-Za-z]+)\s+(.*\S)\s*$/s.exec(text) ?? [];
  const key = name.toUpperCase();
  if (!Object.hasOwn(CHANGES, key)) throw invalid(text, 'it is none of the instructions that change an image');
  return CHANGES[key]?.(config, value, text) ?? config;
}

/** A list in JSON is run as it is, all else by the shell. */
const command = (value: string): readonly string[] => readJsonList(value) ?? [...SHELL, value];

function readJsonList(value: string): readonly string[] | null {
  if (!value.startsWith('[')) return null;
  try {
    const list: unknown = JSON.parse(value);
    return isArray(list, isString) ? list : null;
  } catch {
    return null;
  }
}

/** `NAME=value …`, or one name and all the rest. */
function pairs(value: string, text: string): readonly (readonly [name: string, content: string])[] {
  const [, single, rest] = /^([^\s=]+)\s+(.*)$/s.exec(value) ?? [];
  if (single !== undefined && rest !== undefined) return [[single, rest]];
  return words(value, text).map((word) => {
    const at = word.indexOf('=');
    if (at < 1) throw invalid(text, `${excerpt(word)} is not NAME=value`);
    return [word.slice(0, at), word.slice(at + 1)];
  });
}

function words(value: string, text: string): readonly string[] {
  const found = value.match(WORD_PATTERN) ?? [];
  if (value.replace(WORD_PATTERN, '').trim() !== '') throw invalid(text, 'a quote is not closed');
  return found.map((word) =>
    word.replace(PART_PATTERN, (_, double?: string, single?: string, escaped?: string) =>
      double === undefined ? (single ?? escaped ?? '') : double.replace(/\\(["\\$])/g, '$1'),
    ),
  );
}

function readPort(port: string, text: string): string {
  const read = readContainerPorts(port);
  if (read && read.ports.first === read.ports.last) return `${read.ports.first}/${read.protocol}`;
  throw invalid(text, `${excerpt(port)} is not PORT[/tcp|udp|sctp]`);
}

const invalid = (text: string, fault: string): WinchError =>
  new WinchError('CHANGE_INVALID', `${excerpt(text)} cannot change an image: ${fault}`, {
    kind: 'invalid',
    hint: `write one of ${Object.keys(CHANGES).join(', ')} as in a Dockerfile`,
  });
