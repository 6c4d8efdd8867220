import type {CreateRequest} from '../../containers/kept/create-container.ts';
import type {RunRequest} from '../../containers/run.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {flag, grouped, type OptionTable, type OptionValues, text} from '../arguments/option-table.ts';
import {flagsConflict, quote} from '../arguments/usage-error.ts';
import type {Environment} from '../environment.ts';
import {GLOBAL_OPTIONS} from '../global-options.ts';
import {CONTAINER_FLAGS} from './container.ts';
import {IDENTITY_FLAGS, PID_FILE_FLAG, parseCreateRequest, parseKeptContainer} from './create-request.ts';
import {HEALTH_FLAGS} from './health.ts';
import {USERNS_FLAGS} from './id-mapping.ts';
import {IMAGE_FLAGS} from './image.ts';
import {LOG_FLAGS, parseLogLimit} from './log.ts';
import {requireTerminal} from './process.ts';
import {REGISTRY_FLAGS} from './registry.ts';
import {parseRestart, RESTART_FLAG} from './restart.ts';
import {COPY_FLAGS, parseCopies} from './run-copies.ts';
import {parseSeconds} from './seconds.ts';

const LIFE_FLAGS = grouped('Container:', {
  interactive: flag('Connect standard input', {short: 'i'}),
  ...IDENTITY_FLAGS,
  detach: flag('Leave it running in the background, and print its id', {short: 'd'}),
  rm: flag('With --detach: remove it when it ends. In the foreground it always is'),
  ...RESTART_FLAG,
  ...LOG_FLAGS,
  ...PID_FILE_FLAG,
  timeout: text('SECONDS', 'End it after this long (90, 5m)'),
  bundle: text('DIR', 'Run an OCI bundle instead of an image', {short: 'b'}),
});

const LAZY_FLAG = grouped('Image:', {
  lazy: flag('Without a pull: fetch what it reads, while it runs (of layers in eStargz and zstd:chunked)'),
});

/** Flags of `run`. */
export const RUN_FLAGS = {
  ...LIFE_FLAGS,
  ...CONTAINER_FLAGS,
  ...USERNS_FLAGS,
  ...HEALTH_FLAGS,
  ...COPY_FLAGS,
  ...IMAGE_FLAGS,
  ...LAZY_FLAG,
  ...REGISTRY_FLAGS,
};

// What a bundle does not settle by itself.
const BUNDLE_RUN_FLAGS: OptionTable = {...GLOBAL_OPTIONS, ...LIFE_FLAGS, tty: CONTAINER_FLAGS.tty};

type RunValues = OptionValues<typeof RUN_FLAGS>;

/**
 * What `winch run` asks of the library.
 *
 * @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT` | `INIT_NOT_FOUND` | `TERMINAL_MISSING`
 */
export function parseRunRequest(
  values: RunValues,
  positionals: readonly string[],
  environment: Environment,
): RunRequest {
  requireTerminal(values, environment);
  refuseBackgroundFlags(values);
  if (values.lazy && values.pull === 'never')
    throw flagsConflict('--lazy does not go with --pull never', 'leave out one of them');
  const life = definedMembers({
    interactive: values.interactive,
    name: values.name,
    timeoutSeconds: values.timeout === undefined ? undefined : parseSeconds('--timeout', values.timeout),
    runtime: values.runtime,
  });
  if (values.bundle !== undefined) return {...life, ...parseBundleRun(values, values.bundle, positionals)};
  const [image, ...command] = positionals;
  if (image === undefined) throw flagsConflict('winch run needs an image', 'write winch run IMAGE, or --bundle DIR');
  return {
    ...life,
    ...definedMembers({platform: values.platform, lazy: values.lazy}),
    ...parseCopies(values, environment),
    image,
    policy: values.pull ?? 'missing',
    container: parseKeptContainer(values, command, environment),
  };
}

/**
 * What `winch run --detach` asks of the library.
 *
 * @throws {WinchError} as `parseCreateRequest`
 */
export function parseDetachedRun(
  values: RunValues,
  positionals: readonly string[],
  environment: Environment,
): CreateRequest {
  for (const name of ['bundle', 'timeout', 'copy-in', 'copy-out', 'lazy'] as const) {
    if (values[name] !== undefined) {
      throw flagsConflict(`--${name} does not go with --detach`, `leave out one of them`);
    }
  }
  if (positionals.length === 0) throw flagsConflict('winch run needs an image', 'write winch run --detach IMAGE');
  // Nobody is attached whose end could be that of the input.
  return {...parseCreateRequest(values, positionals, environment), ...(values.interactive && {keepsInput: true})};
}

/** Nobody stays with a run in the foreground but its terminal, which is its log as well. */
function refuseBackgroundFlags(values: RunValues): void {
  if (parseRestart(values)) throw flagsConflict('--restart needs --detach', 'add it, or leave out --restart');
  if (values.pidfile !== undefined) throw flagsConflict('--pidfile needs --detach', 'add it, or use --cidfile');
  if (parseLogLimit(values)) throw flagsConflict('--log-opt needs --detach', 'add it, or leave out --log-opt');
}

function parseBundleRun(values: RunValues, bundle: string, positionals: readonly string[]) {
  const settled = Object.keys(values).find((name) => !Object.hasOwn(BUNDLE_RUN_FLAGS, name));
  if (settled !== undefined) {
    throw flagsConflict(`--${settled} does not go with --bundle`, "write it into the bundle's config.json");
  }
  if (positionals[0] !== undefined) {
    throw flagsConflict(`${quote(positionals[0])} does not go with --bundle`, 'its config.json names the command');
  }
  return {bundle, ...(values.tty && {container: {terminal: true}})};
}
