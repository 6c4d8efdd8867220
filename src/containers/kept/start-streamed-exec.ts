import {openPseudoTerminal, type PseudoTerminal} from '../../host/pseudo-terminal.ts';
import {openTerminalMode} from '../../host/terminal-mode.ts';
import type {TerminalSize} from '../../host/terminal-size.ts';
import type {StreamedProcess} from '../../runtime/runtime.ts';
import type {LiveContainer} from './find-live.ts';
import type {ExecFiles} from './start-exec.ts';

/** A further process of a container. */
export interface StreamedExec {
  readonly process: StreamedProcess;
  /** Null: it has none. */
  readonly terminal: PseudoTerminal | null;
}

export interface ExecToStream {
  readonly files: ExecFiles;
  /** Words in front of the runtime's command line. */
  readonly within: readonly string[];
  /** Whether standard input can be written to. */
  readonly input: boolean;
  /** Whether anybody reads what it prints. */
  readonly output: boolean;
  /** Of its terminal, of which nobody may know the size; absent: it has none. */
  readonly terminal: {readonly size: TerminalSize | null} | undefined;
}

/** Has the runtime start a further process with streams for the caller. */
export function startStreamedExec(
  {id, runtime}: LiveContainer,
  {files: {processFile, log, directory}, terminal: wanted, ...request}: ExecToStream,
): StreamedExec {
  const terminal = wanted ? openRelay(wanted.size) : null;
  const {programEnd = null} = terminal ?? {};
  try {
    const names = {id, processFile, log, pidFile: `${directory}/pid`};
    return {process: runtime.execStreamed({...names, ...request, programEnd}), terminal};
  } catch (error) {
    terminal?.close();
    throw error;
  } finally {
    terminal?.closeProgramEnd();
  }
}

/** What the container's own terminal shows passes it as it is, also before the runtime sees to that. */
function openRelay(size: TerminalSize | null): PseudoTerminal {
  const terminal = openPseudoTerminal(size);
  openTerminalMode(terminal.programEnd).makeRaw();
  return terminal;
}
