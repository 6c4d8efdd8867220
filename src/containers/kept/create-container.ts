import {createCommand} from '../../bundle/command.ts';
import type {ContainerOptions} from '../../bundle/container-options.ts';
import {createHealthCheck} from '../../bundle/health-check.ts';
import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {randomHex} from '../../host/random-hex.ts';
import {ensureImage, type ImageRequest, type StoredImage} from '../../images/stored-image.ts';
import {findConmon} from '../../runtime/find-conmon.ts';
import {findRuntime} from '../../runtime/find-runtime.ts';
import type {ContainerContext} from '../context.ts';
import {findMountedImages} from '../mounted-images.ts';
import {requireValidName} from '../names.ts';
import {randomName} from '../random-name.ts';
import {requireUserns} from '../userns/take-userns.ts';
import {prepareKeptVolumes} from '../volumes/prepare-volumes.ts';
import {chooseStopSignal} from '../write-image-bundle.ts';
import {chooseOwnDriver} from './own-driver.ts';
import {publishContainer} from './publish-container.ts';
import type {KeptRecord, OwnDriver} from './record.ts';
import {sweepPassing} from './remove-container.ts';
import {requireLimits} from './require-limits.ts';
import type {RestartPolicy} from './restart-policy.ts';

export interface CreateRequest extends ImageRequest {
  readonly container?: ContainerOptions | undefined;
  /** Unique among all containers; absent: a random one that nobody has. */
  readonly name?: string | undefined;
  /** Keeps standard input open; without it the container reads end-of-file. */
  readonly interactive?: boolean | undefined;
  /** Whether that outlives the input of those who attach to it, as it does with a terminal; otherwise its end is passed on. */
  readonly keepsInput?: boolean | undefined;
  /** Removes the container, and all that it has written, when it has ended. */
  readonly autoRemove?: boolean | undefined;
  /** Absolute path of a file that gets the pid of the first process at each start. */
  readonly pidFile?: string | undefined;
  /** From which size on its log begins anew, and what was in it is gone; absent: no limit. */
  readonly largestLogBytes?: number | undefined;
  /** When it starts again by itself; absent, and for one that goes when it ends: never. */
  readonly restart?: RestartPolicy | undefined;
  /** Name or absolute path of the OCI runtime; absent: `runc`. */
  readonly runtime?: string | undefined;
}

const ID_BYTES = 32;

/**
 * Makes a container of an image, which is pulled by its policy, and keeps it until it is removed.
 *
 * It is there as a whole or not at all, and so is its name: whoever asks for the same one at the same time is refused.
 * Its image stays as long as it does.
 *
 * @returns its id.
 * @throws {WinchError} `NAME_INVALID` | `NAME_IN_USE` | `SUPERVISOR_NOT_FOUND` | `RUNTIME_NOT_FOUND` | `COMMAND_MISSING` |
 * `SIGNAL_INVALID` | `MOUNT_UNSUPPORTED` | `CGROUP_CONTROLLER_MISSING` | `CGROUP_PARENT_INVALID` | `RESOURCE_INVALID` | of
 * the image and the store
 */
export async function createContainer(
  context: ContainerContext,
  request: CreateRequest,
  options: CallOptions = {},
): Promise<string> {
  if (request.name !== undefined) requireValidName(request.name);
  findConmon();
  requireLogPath(context, request);
  requireLimits(request.container ?? {});
  await requireUserns(request.container ?? {});
  const runtime = findRuntime(request.runtime);
  using lease = await context.store.lease(options.signal);
  const image = await ensureImage({...context, lease}, request, options);
  const {container: asked = {}, policy} = request;
  const withImages = await findMountedImages({...context, lease}, {container: asked, policy}, options);
  using volumes = await prepareKeptVolumes(context, {container: withImages, image}, options);
  const driver = await chooseOwnDriver(context, {layers: image.layers, userns: request.container?.userns}, options);
  const described = {request: {...request, container: volumes.container}, image, runtime, driver};
  const record = describeContainer(context, described);
  await sweepPassing(context);
  try {
    await publishContainer(context, {record, isNamed: request.name !== undefined}, options);
  } catch (error) {
    await volumes.discard();
    throw error;
  }
  return record.id;
}

/** Conmon renames a new log over the old one, and takes a colon in its path for the end of it. */
function requireLogPath({store}: ContainerContext, {largestLogBytes}: CreateRequest): void {
  if (largestLogBytes === undefined || !store.paths.kept.includes(':')) return;
  throw new WinchError('LOG_LIMIT_UNSUPPORTED', 'conmon limits no log in a store with a colon in its path', {
    kind: 'unsupported',
    hint: 'do without the limit, or use another store',
  });
}

interface Description {
  readonly request: CreateRequest;
  readonly image: StoredImage;
  readonly runtime: string;
  readonly driver: OwnDriver | null;
}

function describeContainer({now}: ContainerContext, {request, image, runtime, driver}: Description): KeptRecord {
  const container = request.container ?? {};
  const health = createHealthCheck(image.config.config, container);
  return {
    id: randomHex(ID_BYTES),
    name: request.name ?? randomName(),
    created: new Date(now()).toISOString(),
    image: request.image,
    imageId: image.imageId,
    command: createCommand(image.config, container),
    labels: {...image.config.config.Labels, ...container.labels},
    container,
    interactive: request.interactive ?? false,
    keepsInput: request.keepsInput ?? false,
    autoRemove: request.autoRemove ?? false,
    ...(request.pidFile !== undefined && {pidFile: request.pidFile}),
    ...(request.largestLogBytes !== undefined && {largestLogBytes: request.largestLogBytes}),
    ...(health && {health}),
    ...(request.restart && !request.autoRemove && {restart: request.restart}),
    runtime,
    ...(driver && {snapshotter: driver}),
    stopSignal: chooseStopSignal(image.config, container),
  };
}
