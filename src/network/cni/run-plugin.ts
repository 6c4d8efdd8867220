import {WinchError} from '../../errors.ts';
import {type CommandResult, runCommand} from '../../host/run-command.ts';
import {SYSTEM_PATH} from '../../host/system-programs.ts';
import {excerpt} from '../../oci/excerpt.ts';
import {findPlugin, PLUGIN_DIRECTORIES} from './find-plugin.ts';
import {parseJsonObject} from './result.ts';

/** A network configuration for one plugin (CNI spec 1.0.0 #section-1-network-configuration-format). */
export interface PluginConfig {
  readonly cniVersion: string;
  /** The network's. */
  readonly name: string;
  readonly type: string;
  readonly [member: string]: unknown;
}

/** Where a container is connected. */
export interface Attachment {
  readonly containerId: string;
  /** Path of its network namespace; empty: it is gone. */
  readonly namespace: string;
  /** Name of the device in it. */
  readonly device: string;
}

export interface PluginOptions {
  readonly signal?: AbortSignal | undefined;
}

const TIMEOUT_MS = 60_000;

/**
 * Has a plugin connect a container.
 *
 * @returns what it says of it, as it said it.
 * @throws {WinchError} `NETWORK_PLUGIN_NOT_FOUND` | `NETWORK_FAILED` | `COMMAND_TIMEOUT`
 * @see CNI spec 1.0.0 #add-add-container-to-network-or-apply-modifications
 */
export async function addAttachment(
  config: PluginConfig,
  attachment: Attachment,
  options: PluginOptions = {},
): Promise<Readonly<Record<string, unknown>>> {
  const {stdout} = await call('ADD', config, {...attachment, ...options});
  const result = parseJsonObject(stdout);
  if (result !== null) return result;
  throw failed(config, `it answered with what is no JSON object: ${excerpt(stdout.trim())}`);
}

/**
 * Has a plugin undo what `addAttachment` did, as far as it was done; it may be undone already.
 *
 * @throws {WinchError} as `addAttachment`
 */
export async function removeAttachment(config: PluginConfig, attachment: Attachment): Promise<void> {
  await call('DEL', config, attachment);
}

async function call(
  command: 'ADD' | 'DEL',
  config: PluginConfig,
  {containerId, namespace, device, signal}: Attachment & PluginOptions,
): Promise<CommandResult> {
  const outcome = await runCommand(findPlugin(config.type), [], {
    environment: {
      PATH: SYSTEM_PATH,
      CNI_COMMAND: command,
      CNI_CONTAINERID: containerId,
      CNI_NETNS: namespace,
      CNI_IFNAME: device,
      CNI_PATH: PLUGIN_DIRECTORIES.join(':'),
    },
    input: JSON.stringify(config),
    workingDirectory: '/',
    timeoutMs: TIMEOUT_MS,
    signal,
  });
  if (outcome.exitCode === 0) return outcome;
  throw failed(config, explain(outcome));
}

/** A plugin's own words (CNI spec 1.0.0 #error), or how it ended. */
function explain({exitCode, stdout, stderr}: CommandResult): string {
  const error = parseJsonObject(stdout);
  const said = [error?.msg, error?.details].filter((part) => typeof part === 'string' && part !== '').join('; ');
  return excerpt(said || stderr.trim() || `it ended with code ${exitCode}`);
}

const failed = ({name, type}: PluginConfig, problem: string): WinchError =>
  new WinchError('NETWORK_FAILED', `the CNI plugin ${type} failed for network ${name}: ${problem}`, {kind: 'runtime'});
