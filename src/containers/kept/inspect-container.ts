import type {ContainerOptions} from '../../bundle/container-options.ts';
import {DEFAULT_PATH, mergeEnvironment} from '../../bundle/environment.ts';
import type {HealthCheck} from '../../bundle/health-check.ts';
import {createWorkingDirectory} from '../../bundle/working-directory.ts';
import {isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {Digest} from '../../oci/digest.ts';
import {CONFIG_LIMIT_BYTES, type ImageConfig, parseImageConfig} from '../../oci/image-config.ts';
import {openRunc} from '../../runtime/runc.ts';
import {measureTree} from '../../store/file-sizes.ts';
import type {ContainerContext} from '../context.ts';
import {runtimeStateDirectory} from '../directories.ts';
import {watchAgain} from '../health/watch-kept.ts';
import {volumesOf} from '../volumes/mounted-volumes.ts';
import {placesOfVolume} from '../volumes/places.ts';
import {chooseHostname} from '../write-image-bundle.ts';
import {findByText, findContainer, unknownContainer} from './find-container.ts';
import {type ContainerSummary, summaryOf, summaryOfRun} from './list-containers.ts';
import {listRuns} from './one-shot-runs.ts';
import {placesOf} from './places.ts';
import {readStartNote, readState} from './read-state.ts';
import type {KeptRecord} from './record.ts';
import type {RestartPolicy} from './restart-policy.ts';

export interface ContainerDetails extends ContainerSummary {
  /** What the image says of its containers; null for a bundle, and where the image is gone. */
  readonly imageConfig: ImageConfig['config'] | null;
  /** What a kept container was made with; null for a run in the foreground. */
  readonly made: MadeWith | null;
}

export interface MadeWith {
  /** What was asked for over what the image says. */
  readonly options: ContainerOptions;
  /** `NAME=value` of the image and the caller; HOME and what else the container finds for itself is not among them. */
  readonly environment: readonly string[];
  readonly hostname: string;
  readonly workingDirectory: string;
  /** Whether its standard input stays open. */
  readonly interactive: boolean;
  /** Whether that outlives the input of those who attach to it. */
  readonly keepsInput: boolean;
  /** From which size on its log begins anew, in bytes; null: never. */
  readonly largestLogBytes: number | null;
  /** Where the files of its volumes are, by their names. */
  readonly volumeDirectories: Readonly<Record<string, string>>;
  /** Whether it goes when it ends. */
  readonly autoRemove: boolean;
  /** When it starts again by itself; null: never. */
  readonly restart: RestartPolicy | null;
  /** How it is checked whether it does its work; null: not at all. */
  readonly healthCheck: HealthCheck | null;
  /** How many times in a row it has done so. */
  readonly restarts: number;
  /** Absolute path of the OCI runtime. */
  readonly runtime: string;
  /** Number of the signal that asks it to end. */
  readonly stopSignal: number;
  /** Where its output is, once it has been started. */
  readonly logPath: string;
  /** What it has written, in bytes; null when that was not asked for. */
  readonly writtenBytes: number | null;
}

export interface InspectContainerOptions extends CallOptions {
  /** Whether to measure what it has written. */
  readonly size?: boolean | undefined;
}

/**
 * Everything that is known of one container.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `STORE_CORRUPT`
 */
export async function inspectContainer(
  context: ContainerContext,
  text: string,
  {size = false}: InspectContainerOptions = {},
): Promise<ContainerDetails> {
  const kept = findContainer(context, text);
  if (kept) {
    const config = readImageConfig(context, kept.imageId);
    const state = await readState(context, kept);
    if (state.pid !== null) watchAgain(context, kept, state.pid);
    const summary = summaryOf(context, kept, state);
    const writtenBytes = size ? measureTree(placesOf(context, kept.id).writable) : null;
    return {
      ...summary,
      imageConfig: config?.config ?? null,
      made: {...describeMade(context, kept, config), writtenBytes},
    };
  }
  const run = findByText(await listRuns(context), text);
  if (!run) throw unknownContainer(text);
  const config = run.imageId === null ? null : readImageConfig(context, run.imageId);
  const runtime = openRunc({path: run.runtime, stateDirectory: runtimeStateDirectory(context)});
  const pid = (await runtime.readState(run.id))?.pid ?? null;
  return {...summaryOfRun(context, run), pid, imageConfig: config?.config ?? null, made: null};
}

function describeMade(
  context: ContainerContext,
  record: KeptRecord,
  image: ImageConfig | null,
): Omit<MadeWith, 'writtenBytes'> {
  const {id, container: options, interactive, autoRemove, runtime, stopSignal} = record;
  const variables = [`PATH=${DEFAULT_PATH}`, ...(image?.config.Env ?? []), ...(options.environment ?? [])];
  return {
    options,
    environment: mergeEnvironment(variables),
    hostname: chooseHostname({id, container: options, hostname: context.hostname}),
    workingDirectory: createWorkingDirectory(image, options),
    restart: record.restart ?? null,
    healthCheck: record.health ?? null,
    restarts: readStartNote(placesOf(context, id))?.restarts ?? 0,
    logPath: placesOf(context, id).log,
    keepsInput: record.keepsInput ?? false,
    largestLogBytes: record.largestLogBytes ?? null,
    volumeDirectories: Object.fromEntries(volumesOf(options).map((name) => [name, placesOfVolume(context, name).data])),
    ...{interactive, autoRemove, runtime, stopSignal},
  };
}

function readImageConfig({store}: ContainerContext, imageId: string): ImageConfig | null {
  try {
    const bytes = store.blobs.read(imageId as Digest, CONFIG_LIMIT_BYTES);
    return parseImageConfig(bytes, {where: `config of ${imageId}`});
  } catch (error) {
    if (isWinchError(error, 'BLOB_MISSING')) return null;
    throw error;
  }
}
