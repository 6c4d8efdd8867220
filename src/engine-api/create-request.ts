import type {ContainerOptions, HealthOptions} from '../bundle/container-options.ts';
import type {CreateRequest} from '../containers/kept/create-container.ts';
import type {RestartPolicy} from '../containers/kept/restart-policy.ts';
import {WinchError} from '../errors.ts';
import {definedMembers} from '../oci/defined-members.ts';
import {type BodyFields, nonEmpty, readFields} from './body-fields.ts';
import {readHostOptions, readLogLimit} from './create-host-options.ts';
import {readMounts} from './create-mounts.ts';
import {readNetwork} from './create-network-mode.ts';

const NANO_PER_MS = 1e6;

export interface Maker {
  /** Of the container; null: any. */
  readonly name: string | null;
  /** Whether it is for somebody else than root. */
  readonly isUser: boolean;
}

/**
 * What the body of a request for a container asks for; the image has to be there.
 *
 * @throws {WinchError} `BODY_INVALID` | `NOT_OFFERED` | `VOLUME_INVALID` | `INIT_NOT_FOUND`
 * @see Engine API v1.51, ContainerCreate
 */
export function readCreateRequest(body: unknown, {name, isUser}: Maker): CreateRequest & {readonly image: string} {
  const config = readFields(body);
  const host = config.record('HostConfig');
  const image = config.text('Image') ?? '';
  if (image === '') throw new WinchError('BODY_INVALID', 'the body names no Image', {kind: 'invalid'});
  return definedMembers({
    image,
    policy: 'never' as const,
    name: name ?? undefined,
    interactive: config.flag('OpenStdin'),
    keepsInput: config.flag('OpenStdin') && !config.flag('StdinOnce') ? true : undefined,
    autoRemove: host.flag('AutoRemove'),
    runtime: host.text('Runtime') || undefined,
    largestLogBytes: readLogLimit(host.record('LogConfig')),
    restart: readRestart(host.record('RestartPolicy')),
    container: definedMembers({
      ...processOptions(config),
      ...readHostOptions(host),
      ...readNetwork(config, host, isUser),
      mounts: readMounts(config, host),
      health: readHealth(config.record('Healthcheck')),
    }),
  });
}

const processOptions = (config: BodyFields): ContainerOptions =>
  definedMembers({
    command: nonEmpty(config.words('Cmd')),
    entrypoint: readEntrypoint(config),
    environment: config.texts('Env'),
    workingDirectory: config.text('WorkingDir') || undefined,
    user: config.text('User') || undefined,
    hostname: config.text('Hostname') || undefined,
    domainname: config.text('Domainname') || undefined,
    labels: config.textMap('Labels'),
    terminal: config.flag('Tty'),
    stopSignal: config.text('StopSignal') || undefined,
    stopTimeoutSeconds: config.number('StopTimeout'),
  });

/** An empty list is what clients write for the image's own, and one empty word for none at all. */
function readEntrypoint(config: BodyFields): readonly string[] | undefined {
  const words = nonEmpty(config.words('Entrypoint'));
  return words?.length === 1 && words[0] === '' ? [] : words;
}

function readHealth(check: BodyFields): HealthOptions | 'none' | undefined {
  const [kind, ...words] = check.texts('Test') ?? [];
  if (kind === 'NONE') return 'none';
  const millisecondsOf = (name: string) => (check.number(name) || undefined) && (check.number(name) ?? 0) / NANO_PER_MS;
  const health = definedMembers({
    command: kind === 'CMD-SHELL' ? words[0] : kind === 'CMD' ? words : undefined,
    intervalMs: millisecondsOf('Interval'),
    timeoutMs: millisecondsOf('Timeout'),
    startPeriodMs: millisecondsOf('StartPeriod'),
    startIntervalMs: millisecondsOf('StartInterval'),
    retries: check.number('Retries') || undefined,
  });
  return Object.keys(health).length > 0 ? health : undefined;
}

/** @throws {WinchError} `BODY_INVALID` */
export function readRestart(policy: BodyFields): RestartPolicy | undefined {
  const name = policy.text('Name') ?? '';
  switch (name) {
    case '':
    case 'no':
      return undefined;
    case 'always':
    case 'unless-stopped':
      return {name};
    case 'on-failure':
      return {name, maximumRetries: policy.number('MaximumRetryCount') || undefined};
    default:
      throw new WinchError('BODY_INVALID', 'there is no restart policy of this name', {kind: 'invalid'});
  }
}
