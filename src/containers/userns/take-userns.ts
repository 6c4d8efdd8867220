import type {ContainerOptions} from '../../bundle/container-options.ts';
import {hasOwnUserns} from '../../bundle/userns-mode.ts';
import {isRoot} from '../../host/account.ts';
import {isInitialUserNamespace} from '../../host/user-namespace.ts';
import type {IdMappings} from '../../oci/id-mappings.ts';
import {findRuntime} from '../../runtime/find-runtime.ts';
import type {MappedContainer} from './mapped-container.ts';

export interface TakenUserns {
  /** As of `OwnUserns`. */
  readonly container: ContainerOptions;
  /** Null: it has no user namespace of its own. */
  readonly mapped: MappedContainer | null;
}

interface UsernsRequest {
  readonly container?: ContainerOptions;
  /** What is to run it, by name or by absolute path; absent: the usual one. */
  readonly runtime?: string | undefined;
}

/** Keeps what is open until the container has it. */
export interface HeldLater {
  defer(close: () => PromiseLike<void>): void;
}

/**
 * The user namespace that a container asks for, held until it has started.
 *
 * @throws {WinchError} `ID_MAPPING_INVALID` | `NAMESPACE_UNSUPPORTED` | `USER_NAMESPACE_DENIED` | `RUNTIME_UNSUPPORTED`
 */
export async function takeUserns({container = {}, runtime}: UsernsRequest, held: HeldLater): Promise<TakenUserns> {
  if (!hasOwnUserns(container.userns)) return {container, mapped: null};
  const {resolveUserns} = await import('./own-userns.ts');
  const own = resolveUserns(container);
  const {mappings, account} = own;
  if (mappings === null) return {container, mapped: null};
  const {mapContainer} = await import('./mapped-container.ts');
  if (isInitialUserNamespace()) {
    (await import('../../runtime/refuse-old-crun.ts')).refuseOldCrun(findRuntime(runtime));
  }
  const mapped = await mapContainer({mappings, account});
  held.defer(() => mapped[Symbol.asyncDispose]());
  return {container: own.container, mapped};
}

/**
 * Whether a container can have the user namespace that it asks for, as far as this process can tell: a user who is not
 * root of a namespace yet cannot.
 *
 * @throws {WinchError} `ID_MAPPING_INVALID` | `NAMESPACE_UNSUPPORTED`
 */
export async function requireUserns(container: ContainerOptions): Promise<void> {
  if (!hasOwnUserns(container.userns) || !isRoot()) return;
  (await import('./own-userns.ts')).resolveUserns(container);
}

/**
 * Whose the files have to be on disk that are written for a container; null: whoever they belong to in their image.
 *
 * @throws {WinchError} as `requireUserns`
 */
export async function ownerIdsOf(container: ContainerOptions): Promise<IdMappings | null> {
  if (!hasOwnUserns(container.userns) || isInitialUserNamespace()) return null;
  return (await import('./own-userns.ts')).resolveUserns(container).mappings;
}
