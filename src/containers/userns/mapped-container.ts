import {chownSync, closeSync, lstatSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {type AddedFiles, addAccount} from '../../bundle/add-account.ts';
import {translateOwners, withIdMappings} from '../../bundle/id-mappings.ts';
import type {AccountFiles} from '../../bundle/user.ts';
import {holdUserNamespace, openOwnersNamespace} from '../../host/mapped-namespace.ts';
import {MAPPED_ROOTFS, mapRootfs} from '../../host/mapped-rootfs.ts';
import {makeNetworkNamespace, type NetworkNamespace, raiseLoopbackOf} from '../../host/network-namespace.ts';
import {loadSyscalls, type Syscalls} from '../../host/syscalls.ts';
import {isInitialUserNamespace} from '../../host/user-namespace.ts';
import type {IdMappings} from '../../oci/id-mappings.ts';
import type {RuntimeMount, RuntimeSpec} from '../../oci/runtime-spec.ts';
import type {Rootfs} from '../../snapshots/snapshotter.ts';
import type {ConnectedNetwork} from '../networks/network-files.ts';
import type {OwnUserns} from './own-userns.ts';

/** What a container with a user namespace of its own needs while it is made. */
export interface MappedContainer extends AsyncDisposable {
  /** As of `MappedMount`; null: nobody but the machine's root has such mounts. */
  readonly namespaceFd: number | null;
  /** Whose its files have to be on disk; null: whoever they belong to in the image. */
  readonly ownerIds: IdMappings | null;
  /** Whose on disk the files of its root are, as long as they are not mounted for it. */
  readonly rootOnDisk: {readonly uid: number; readonly gid: number};
  /**
   * Makes its network namespace, which belongs to its user namespace: its root has all rights there, and old runtimes
   * find the way into it for further processes. So the user namespace is made as well, and stays until this is disposed of.
   *
   * @throws {WinchError} `NAMESPACE_DENIED` | `USER_NAMESPACE_DENIED`
   */
  makeNetwork(): Promise<NetworkNamespace>;
  /** The same container in its namespace; what it is told of its network and its user belongs to its root. */
  adapt(spec: RuntimeSpec, made: MadeSoFar): RuntimeSpec;
  /** Mounts the root file system for it, which nobody may have open. @returns where it is then. */
  mount(syscalls: Syscalls, rootfs: Rootfs): string;
  /** As `mount`, of another image, which stays where it is. */
  mountAgain(syscalls: Syscalls, rootfs: Rootfs): void;
}

/** Of a container that is being made. */
interface MadeSoFar {
  /** Where its files go that are none of the image's. */
  readonly directory: string;
  readonly network: Pick<ConnectedNetwork, 'files'>;
  /** What its root file system has. */
  readonly readAccounts: () => AccountFiles;
}

interface MappedIds extends Pick<OwnUserns, 'account'> {
  readonly mappings: IdMappings;
}

const ROOT = Object.freeze({uid: 0, gid: 0});

/** @throws {WinchError} `USER_NAMESPACE_DENIED` */
export async function mapContainer({mappings, account}: MappedIds): Promise<MappedContainer> {
  const isOfMachine = isInitialUserNamespace();
  const root = translateOwners(mappings).toHost(ROOT);
  const held = new AsyncDisposableStack();
  const namespaceFd = isOfMachine ? held.adopt(await openOwnersNamespace(mappings), closeSync) : null;
  let path: string | undefined;
  return {
    namespaceFd,
    ownerIds: isOfMachine ? null : mappings,
    rootOnDisk: isOfMachine ? ROOT : root,
    makeNetwork: async () => {
      const own = await holdUserNamespace(mappings);
      held.defer(own.close);
      ({path} = own);
      const network = await makeNetworkNamespace(path);
      if (isOfMachine) raiseLoopbackOf(loadSyscalls(), network);
      return network;
    },
    adapt: (spec, {directory, network: {files}, readAccounts}) => {
      const added = account === null ? [] : writeAccount(directory, addAccount(readAccounts(), account));
      for (const file of [...Object.values(files), ...added.map(({source}) => source)]) {
        chownSync(file, root.uid, root.gid);
      }
      const mapped = withIdMappings({...spec, mounts: [...spec.mounts, ...added]}, mappings, path);
      return isOfMachine ? {...mapped, root: {...mapped.root, path: MAPPED_ROOTFS}} : mapped;
    },
    mount: (syscalls, rootfs) => {
      if (namespaceFd === null) {
        takeForRoot(rootfs.path, root);
        return rootfs.path;
      }
      mapRootfs(syscalls, {...rootfs, namespaceFd}, MAPPED_ROOTFS);
      return MAPPED_ROOTFS;
    },
    mountAgain: (syscalls, rootfs) => {
      if (namespaceFd !== null) mapRootfs(syscalls, {...rootfs, namespaceFd}, rootfs.path);
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** In memory, and mounted over those of the image: what a container has written itself does not change. */
const writeAccount = (directory: string, files: AddedFiles): readonly RuntimeMount[] =>
  Object.entries(files).flatMap(([name, text]) => {
    if (text === null) return [];
    const source = join(directory, name);
    writeFileSync(source, text, {encoding: 'latin1', mode: 0o644});
    return [{destination: `/etc/${name}`, type: 'bind', source, options: ['bind', 'rprivate']}];
  });

/** The directory of an overlay itself is made by whoever mounts it. */
function takeForRoot(path: string, root: MappedContainer['rootOnDisk']): void {
  const {uid, gid} = lstatSync(path);
  if (uid === 0 && gid === 0) chownSync(path, root.uid, root.gid);
}
