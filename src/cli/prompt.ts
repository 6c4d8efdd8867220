import type {ReadStream} from 'node:tty';
import {WinchError} from '../errors.ts';

const END_OF_LINE = /[\r\n]/;
const CTRL_C = '\x03';
const CTRL_D = '\x04';
const CTRL_U = '\x15';
const DELETES: readonly string[] = Object.freeze(['\b', '\x7f']);

export interface Question {
  readonly text: string;
  /** Whether what is typed stays invisible. */
  readonly isHidden: boolean;
  readonly signal: AbortSignal;
}

export interface PromptTerminal {
  readonly input: ReadStream;
  readonly write: (text: string) => void;
  /** The keystroke Ctrl-C, which a terminal without echo gives as a character. */
  readonly interrupt: () => void;
}

/**
 * Asks on the terminal and gives the line that is typed, without its end.
 *
 * The terminal is as it was afterwards, however this ends.
 *
 * @throws {WinchError} `ANSWER_MISSING`: the input ended.
 */
export async function askOnTerminal(terminal: PromptTerminal, question: Question): Promise<string> {
  const {input, write} = terminal;
  question.signal.throwIfAborted();
  // Before the text: what a quick hand types right after it must not be seen.
  if (question.isHidden) input.setRawMode(true);
  write(question.text);
  try {
    return await readLine(terminal, question.signal);
  } finally {
    input.pause();
    if (question.isHidden) {
      input.setRawMode(false);
      write('\n');
    }
  }
}

function readLine({input, interrupt}: PromptTerminal, signal: AbortSignal): Promise<string> {
  const {promise, resolve, reject} = Promise.withResolvers<string>();
  let line = '';
  const onData = (text: string) => {
    for (const character of text) {
      if (END_OF_LINE.test(character)) return resolve(line);
      if (character === CTRL_C) interrupt();
      else if (character === CTRL_D && line === '') return reject(answerMissing());
      else if (character === CTRL_U) line = '';
      else if (DELETES.includes(character)) line = [...line].slice(0, -1).join('');
      else if (character !== CTRL_D) line += character;
    }
  };
  const onEnd = () => reject(answerMissing());
  const onAbort = () => reject(signal.reason);
  input.setEncoding('utf8').on('data', onData).on('end', onEnd).resume();
  signal.addEventListener('abort', onAbort);
  return promise.finally(() => {
    input.off('data', onData).off('end', onEnd);
    signal.removeEventListener('abort', onAbort);
  });
}

function answerMissing(): WinchError {
  return new WinchError('ANSWER_MISSING', 'the question on the terminal was not answered', {
    kind: 'invalid',
    hint: 'nothing was changed',
  });
}
