import {createDetachScanner} from '../containers/detach-keys.ts';
import type {Attachment} from '../containers/kept/attach-container.ts';
import type {CommandContext} from './command.ts';
import type {Keyboard} from './keyboard.ts';

export interface AttachSettings {
  /** Whether standard input goes to the container. */
  readonly readsInput: boolean;
  /** Bytes of the keys; none: nothing detaches. */
  readonly detachKeys: Uint8Array;
  readonly proxiesSignals: boolean;
}

/**
 * Connects this process's streams to a container until it ends, or until the keys that leave it are typed.
 *
 * @returns The container's exit code; 0 when it goes on.
 */
export async function attachStreams(
  attachment: Attachment,
  settings: AttachSettings,
  context: CommandContext,
): Promise<number> {
  const keyboard = attachment.hasTerminal ? await context.environment.openKeyboard() : null;
  const leaving = new AbortController();
  const left = new Promise<'left'>((resolve) => {
    leaving.signal.addEventListener('abort', () => resolve('left'), {once: true});
  });
  const undo = connectSignals(attachment, {settings, keyboard, leave: () => leaving.abort()}, context);
  try {
    const ended = passOutput(attachment, context);
    const detached = passInput(attachment, {settings, keyboard, signal: leaving.signal}, context);
    const outcome = await Promise.race([ended, detached, left]);
    return outcome === 'ended' ? await attachment.wait() : 0;
  } finally {
    undo();
    keyboard?.restore();
    leaving.abort();
  }
}

interface Connection {
  readonly settings: AttachSettings;
  readonly keyboard: Keyboard | null;
}

/** With a terminal keys become signals there, and its size follows this one's. */
function connectSignals(
  attachment: Attachment,
  {settings, keyboard, leave}: Connection & {readonly leave: () => void},
  {onEvent}: CommandContext,
): () => void {
  if (keyboard === null) {
    if (!settings.proxiesSignals) return () => {};
    onEvent({type: 'exec:started', id: attachment.id});
    return attachment.proxySignals(leave);
  }
  const resize = () => {
    const size = keyboard.readSize();
    if (size) attachment.resize(size);
  };
  const ignore = keyboard.onResize(resize);
  resize();
  return ignore;
}

async function passOutput(attachment: Attachment, {passOn}: CommandContext): Promise<'ended' | 'left'> {
  for await (const {stream, bytes} of attachment.output()) if (!passOn(stream, bytes)) return 'left';
  return 'ended';
}

/** Settles only when the keys were typed; a container whose input has ended is followed on. */
async function passInput(
  attachment: Attachment,
  {settings, keyboard, signal}: Connection & {readonly signal: AbortSignal},
  {environment}: CommandContext,
): Promise<'detached'> {
  if (settings.readsInput && attachment.takesInput) {
    const scan = keyboard && createDetachScanner(settings.detachKeys);
    keyboard?.makeRaw();
    try {
      for await (const piece of environment.openStandardInput(signal)) {
        const {bytes, isDetached} = scan ? scan(piece) : {bytes: piece, isDetached: false};
        if (bytes.length > 0 && !(await attachment.write(bytes))) break;
        if (isDetached) {
          attachment.noteDetached();
          return 'detached';
        }
      }
      await attachment.endInput();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
  return await new Promise(() => {});
}
