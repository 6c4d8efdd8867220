import type {ContainerOptions} from '../../bundle/container-options.ts';
import type {OptionValues} from '../arguments/option-table.ts';
import type {Environment} from '../environment.ts';
import {FILE_FLAGS, parseFiles} from './files.ts';
import {ISOLATION_FLAGS, parseIsolation} from './isolation.ts';
import {LIMIT_FLAGS, parseLimits} from './limits.ts';
import {NETWORK_FLAGS, parseNetwork} from './network.ts';
import {PROCESS_FLAGS, parseProcess} from './process.ts';

/** Everything that `run` and `bundle` can say about a container, with docker's names. */
export const CONTAINER_FLAGS = {
  ...PROCESS_FLAGS,
  ...FILE_FLAGS,
  ...NETWORK_FLAGS,
  ...LIMIT_FLAGS,
  ...ISOLATION_FLAGS,
};

/**
 * What the flags ask of a container.
 *
 * @param command What follows the image on the command line.
 * @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT` | `INIT_NOT_FOUND`
 */
export const parseContainer = (
  values: OptionValues<typeof CONTAINER_FLAGS>,
  command: readonly string[],
  environment: Environment,
): ContainerOptions => ({
  ...parseProcess(values, command, environment),
  ...parseFiles(values, environment),
  ...parseNetwork(values, environment.userId !== 0),
  ...parseLimits(values),
  ...parseIsolation(values, environment),
});
