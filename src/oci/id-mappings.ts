import type {RuntimeIdMapping} from './runtime-spec.ts';

/** Which ids of the host stand for those of a container in a user namespace. */
export interface IdMappings {
  readonly uids: readonly RuntimeIdMapping[];
  readonly gids: readonly RuntimeIdMapping[];
}

/** The host's id for one of the container; null: there is none. */
export function findHostId(ranges: readonly RuntimeIdMapping[], id: number): number | null {
  const range = ranges.find(({containerID, size}) => id >= containerID && id < containerID + size);
  return range ? range.hostID + id - range.containerID : null;
}
