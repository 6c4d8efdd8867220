import {resolve} from 'node:path';
import type {ContainerOptions} from '../../bundle/container-options.ts';
import type {CreateRequest} from '../../containers/kept/create-container.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flag, grouped, type OptionValues, text} from '../arguments/option-table.ts';
import type {Environment} from '../environment.ts';
import {CONTAINER_FLAGS, parseContainer} from './container.ts';
import {HEALTH_FLAGS, parseHealth} from './health.ts';
import {parseUserns, USERNS_FLAGS} from './id-mapping.ts';
import {IMAGE_FLAGS} from './image.ts';
import {LOG_FLAGS, parseLog} from './log.ts';
import {findUsualNetwork} from './network.ts';
import {REGISTRY_FLAGS} from './registry.ts';
import {parseRestart, RESTART_FLAG} from './restart.ts';

/** Flags that `create` and `run` share, of what a container is known by and what runs it. */
export const IDENTITY_FLAGS = {
  name: text('NAME', 'Name it; no two containers share a name'),
  cidfile: text('FILE', 'Write its id into this file, which must not be there'),
  runtime: text('PROGRAM', 'The OCI runtime', {defaultsTo: 'runc'}),
};

export const PID_FILE_FLAG = {
  pidfile: text('FILE', 'Write the number of its first process into this file at each start'),
};

const KEPT_FLAGS = grouped('Container:', {
  interactive: flag('Keep standard input open', {short: 'i'}),
  ...IDENTITY_FLAGS,
  rm: flag('Remove it when it ends'),
  ...RESTART_FLAG,
  ...LOG_FLAGS,
  ...PID_FILE_FLAG,
});

/** Flags of `create`. */
export const CREATE_FLAGS = {
  ...KEPT_FLAGS,
  ...CONTAINER_FLAGS,
  ...USERNS_FLAGS,
  ...HEALTH_FLAGS,
  ...IMAGE_FLAGS,
  ...REGISTRY_FLAGS,
};

/**
 * What `winch create` and `winch run --detach` ask of the library.
 *
 * @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT` | `INIT_NOT_FOUND`
 */
export function parseCreateRequest(
  values: OptionValues<typeof CREATE_FLAGS>,
  [image = '', ...command]: readonly string[],
  environment: Environment,
): CreateRequest {
  return {
    ...definedMembers({
      name: values.name,
      interactive: values.interactive,
      autoRemove: values.rm,
      restart: parseRestart(values),
      largestLogBytes: parseLog(values),
      pidFile: values.pidfile === undefined ? undefined : resolve(environment.workingDirectory(), values.pidfile),
      runtime: values.runtime,
      platform: values.platform,
    }),
    image,
    policy: values.pull ?? 'missing',
    container: parseKeptContainer(values, command, environment),
  };
}

/** As `parseContainer`, with what only containers of a store have. */
export const parseKeptContainer = (
  values: OptionValues<typeof CONTAINER_FLAGS & typeof USERNS_FLAGS & typeof HEALTH_FLAGS>,
  command: readonly string[],
  environment: Environment,
): ContainerOptions => ({
  ...parseContainer({...values, ...findUsualNetwork(values, environment)}, command, environment),
  ...definedMembers({userns: parseUserns(values)}),
  ...parseHealth(values),
});
