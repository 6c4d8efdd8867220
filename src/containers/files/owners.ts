import type {ContainerOptions} from '../../bundle/container-options.ts';
import {type OwnerTranslation, translateOwners} from '../../bundle/id-mappings.ts';
import {isInitialUserNamespace} from '../../host/user-namespace.ts';
import type {RuntimeSpec} from '../../oci/runtime-spec.ts';
import {resolveUserns} from '../userns/own-userns.ts';

/** Of a kept container whose files are seen as it sees them; null: their owners are as it has them. */
export function ownersOfRunning({container}: {readonly container: ContainerOptions}): OwnerTranslation | null {
  const {mappings} = resolveUserns(container);
  return mappings === null ? null : translateOwners(mappings);
}

/** As `ownersOfRunning`, of its files on disk: root maps them by mounts, which go with what runs. */
export const ownersOnDisk = (record: {readonly container: ContainerOptions}): OwnerTranslation | null =>
  isInitialUserNamespace() ? null : ownersOfRunning(record);

/** As `ownersOfRunning`, of a run in the foreground. */
export function ownersOfRun({linux: {uidMappings, gidMappings}}: RuntimeSpec): OwnerTranslation | null {
  return uidMappings && gidMappings ? translateOwners({uids: uidMappings, gids: gidMappings}) : null;
}
