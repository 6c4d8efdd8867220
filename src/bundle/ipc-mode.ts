export type IpcMode = (typeof WORDS)[number] | {readonly container: string} | JoinedIpc;

/** Message queues and memory of somebody else that are open. */
export interface JoinedIpc {
  /** Where the namespace is. */
  readonly namespace: string;
  /** Where its memory is mounted; a descriptor: it is mounted nowhere yet. */
  readonly sharedMemory: string | number;
}

const WORDS = ['private', 'shareable', 'none', 'host'] as const;
/** All that `readIpcMode` takes, for messages. */
export const IPC_MODES = [...WORDS, 'container:NAME'].join(', ');

/**
 * Reads docker's words and `container:NAME`.
 *
 * @returns undefined: as usual; null: not understood
 */
export function readIpcMode(text: string): IpcMode | undefined | null {
  if (text === '') return undefined;
  const [, container] = /^container:(.+)$/s.exec(text) ?? [];
  return container === undefined ? (WORDS.find((word) => word === text) ?? null) : {container};
}

/** As `readIpcMode` takes it. */
export function formatIpcMode(ipc: IpcMode = 'private'): string {
  if (typeof ipc === 'string') return ipc;
  return 'container' in ipc ? `container:${ipc.container}` : `ns:${ipc.namespace}`;
}

/** Whether other containers may have the shared memory of one with this mode: docker's rule. */
export const isShareable = (ipc: IpcMode = 'private'): boolean => ipc !== 'private' && ipc !== 'none';
