import type {TerminalSize} from '../../host/terminal-size.ts';
import {resizeTerminal} from '../../runtime/conmon-terminal.ts';
import type {ContainerContext} from '../context.ts';
import {notRunning, requireContainer} from './find-container.ts';
import {volatileDirectory} from './places.ts';
import {readState} from './read-state.ts';

/**
 * Tells the terminal of a running container its size; without one it is told nothing.
 *
 * @throws {WinchError} `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS` | `CONTAINER_STOPPED`
 */
export async function resizeContainer(context: ContainerContext, text: string, size: TerminalSize): Promise<void> {
  const record = requireContainer(context, text);
  if ((await readState(context, record)).state !== 'running') throw notRunning(record);
  if (record.container.terminal) resizeTerminal(volatileDirectory(context, record.id), size);
}
