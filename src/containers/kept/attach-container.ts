import {statSync} from 'node:fs';
import type {CallOptions} from '../../events.ts';
import type {TerminalSize} from '../../host/terminal-size.ts';
import {type ConmonInput, openConmonInput} from '../../runtime/conmon-input.ts';
import {resizeTerminal} from '../../runtime/conmon-terminal.ts';
import type {ContainerContext} from '../context.ts';
import {recordContainerEvents} from '../record-events.ts';
import {forwardSignals} from '../supervise.ts';
import {notRunning, requireContainer} from './find-container.ts';
import {requireUnpaused} from './find-live.ts';
import type {LogPiece} from './log-records.ts';
import {placesOf, volatileDirectory} from './places.ts';
import {readLogs} from './read-logs.ts';
import {readStartNote, readState} from './read-state.ts';
import type {KeptRecord} from './record.ts';
import {type StartSettings, startContainer} from './start-container.ts';
import {killContainer} from './stop-container.ts';
import {waitForStart} from './wait-for-condition.ts';
import {holdForWaiting, waitUntilStopped} from './wait-for-exit.ts';

/**
 * The standard streams of a container that runs in the background. Leaving them, however slowly they were read, and
 * whatever becomes of this process, has no effect on the container.
 */
export interface Attachment extends AsyncDisposable {
  readonly id: string;
  readonly name: string | null;
  readonly hasTerminal: boolean;
  /** Whether the container was made to read standard input. */
  readonly takesInput: boolean;
  /** What it prints from now on, until it ends or is left; to be read once. */
  output(): AsyncGenerator<LogPiece>;
  /** Resolves when the supervisor has taken all of it, in the order of the calls. @returns false: nobody reads it */
  write(bytes: Uint8Array): Promise<boolean>;
  /** Says that no more will come; a container with a terminal, or whose input stays open, does not notice. */
  endInput(): Promise<void>;
  /** Tells the container's terminal its size. */
  resize(size: TerminalSize): void;
  /**
   * Passes on the signals of this process to the first one of the container; the third SIGINT or SIGTERM is for the caller.
   *
   * @returns what ends that.
   */
  proxySignals(onImpatience: () => void): () => void;
  /** Tells those who follow events that somebody has left. */
  noteDetached(): void;
  /** Waits for the end. @returns the exit code, 255 when the container was removed meanwhile */
  wait(): Promise<number>;
}

export interface AttachOptions extends CallOptions {
  /** Starts a container that does not run, so that nothing of what it prints is missed. */
  readonly start?: boolean | undefined;
  /** Waits for somebody else to start a container that does not run; nothing of what it then prints is missed. */
  readonly awaitsStart?: boolean | undefined;
  /** Reads also what it has printed up to now, in all its starts. */
  readonly fromStart?: boolean | undefined;
}

const UNSEEN_EXIT = 255;

/**
 * Connects to a container that runs.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED` | `CONTAINER_PAUSED`; with `start`
 * as `startContainer`
 */
export async function attachToContainer(
  context: ContainerContext,
  text: string,
  {start = false, awaitsStart = false, fromStart = false, signal, onEvent, ...settings}: AttachOptions & StartSettings,
): Promise<Attachment> {
  const record = requireContainer(context, text);
  // From here on its code is kept for this process, also of one that goes when it ends.
  const hold = await holdForWaiting(context, record.id, signal);
  try {
    const offset = fromStart ? 0 : (statSync(placesOf(context, record.id).log, {throwIfNoEntry: false})?.size ?? 0);
    if (start) await startContainer(context, record.id, {...settings, signal, onEvent});
    else if (!awaitsStart || !(await waitForStart(context, record.id, {signal}))) await requireRunning(context, record);
    recordContainerEvents(context, record, [{action: 'attach'}]);
    return openAttachment(context, record, {offset, hold, signal});
  } catch (error) {
    hold.release();
    throw error;
  }
}

async function requireRunning(context: ContainerContext, record: KeptRecord): Promise<void> {
  const {state, isPaused, lostBecause} = await readState(context, record);
  if (state !== 'running') throw notRunning(record, lostBecause);
  requireUnpaused({...record, isPaused});
}

interface Opening {
  /** Of its log: what follows is new. */
  readonly offset: number;
  readonly hold: {release(): void};
  readonly signal: AbortSignal | undefined;
}

function openAttachment(context: ContainerContext, record: KeptRecord, {offset, hold, signal}: Opening): Attachment {
  const {id, name, interactive: takesInput, keepsInput = false} = record;
  const bundle = volatileDirectory(context, id);
  const input = takesInput ? openInput(context, record) : null;
  const leaving = new AbortController();
  const output = readUntilLeft(context, id, {offset, signal, leaving: leaving.signal});
  return {
    ...{id, name, takesInput, hasTerminal: record.container.terminal ?? false},
    output: () => output,
    write: async (bytes) => (await input?.write(bytes)) ?? false,
    endInput: async () => {
      if (!keepsInput) await input?.end();
    },
    resize: (size) => resizeTerminal(bundle, size),
    proxySignals: (onImpatience) => proxySignals(context, id, onImpatience),
    noteDetached: () => recordContainerEvents(context, record, [{action: 'detach'}]),
    wait: async () => (await waitUntilStopped(context, record, {signal}))?.exitCode ?? UNSEEN_EXIT,
    [Symbol.asyncDispose]: async () => {
      leaving.abort();
      hold.release();
      await input?.close();
      // Closes the log for a reader that has not come to its end.
      await output.return();
    },
  };
}

interface Following extends Pick<Opening, 'offset' | 'signal'> {
  readonly leaving: AbortSignal;
}

async function* readUntilLeft(
  context: ContainerContext,
  id: string,
  {offset, signal, leaving}: Following,
): AsyncGenerator<LogPiece, void, void> {
  const either = signal ? AbortSignal.any([signal, leaving]) : leaving;
  try {
    yield* readLogs(context, id, {follow: true, offset, signal: either});
  } catch (error) {
    if (!leaving.aborted || signal?.aborted) throw error;
  }
}

function openInput(context: ContainerContext, {id, container}: KeptRecord): ConmonInput | null {
  const note = readStartNote(placesOf(context, id));
  if (note === null) return null;
  const {process, supervisor} = note;
  return openConmonInput({
    bundle: volatileDirectory(context, id),
    hasTerminal: container.terminal ?? false,
    pid: process.pid,
    supervisorPid: supervisor.pid,
  });
}

function proxySignals(context: ContainerContext, id: string, onImpatience: () => void): () => void {
  const forward = (signal: NodeJS.Signals) => {
    // Of another size of this process's terminal the container is told otherwise, if it has one at all.
    if (signal === 'SIGWINCH') return;
    // It has ended, and so will the attachment.
    killContainer(context, id, signal).catch(() => {});
  };
  return forwardSignals({forward, killAll: onImpatience});
}
