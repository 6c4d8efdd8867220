import {openPipeInput} from './conmon-pipe.ts';
import {openTerminalInput} from './conmon-terminal.ts';

/** The way to the standard input of a container that conmon stays with. */
export interface ConmonInput {
  /** Resolves when it is on its way to the container. @returns false: nobody will read it */
  write(bytes: Uint8Array): Promise<boolean>;
  /** Says that no more will come: the container reads end-of-file, unless it has a terminal. */
  end(): Promise<void>;
  /** Ends what is still being written; to be called once. */
  close(): Promise<void>;
}

export interface InputPlace {
  /** Directory of the bundle. */
  readonly bundle: string;
  readonly hasTerminal: boolean;
  /** The first process of the container, and conmon. */
  readonly pid: number;
  readonly supervisorPid: number;
}

/** @returns null: the container has ended, or has turned to another input. */
export const openConmonInput = (place: InputPlace): ConmonInput | null =>
  place.hasTerminal ? openTerminalInput(place.bundle) : openPipeInput(place);
