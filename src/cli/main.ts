import {homedir} from 'node:os';
import {commandNames, isCommandGroup} from './catalogue.ts';
import type {Environment} from './environment.ts';
import {EXIT_BUG} from './exit-codes.ts';
import {listenForInterrupts} from './interrupts.ts';
import {createOutput} from './render/output.ts';
import {formatError} from './report-error.ts';
import {runCommandLine} from './run-cli.ts';
import {findUserId} from './user-id.ts';

/** Runs this process's command line. The process ends by itself with the right exit code. */
export async function main(): Promise<void> {
  process.on('uncaughtException', dieOfBug);
  const interrupts = listenForInterrupts({
    on: (signal, listener) => process.on(signal, listener),
    off: (signal, listener) => process.off(signal, listener),
    exit: (code) => process.exit(code),
  });
  process.exitCode = await runCommandLine(process.argv.slice(2), {
    environment: readEnvironment(),
    stdout: createOutput(1, {isVital: true}),
    stderr: createOutput(2, {isVital: false}),
    terminal: () => (isTerminal(2) ? process.stderr.on('error', ignoreHangUp) : null),
    interrupts,
    openToolkit: async (options) => (await import('../toolkit.ts')).openToolkit(options),
    becomeRootOf: async (findProcess) => {
      if (process.geteuid?.() === 0) return;
      const pid = await findProcess();
      if (pid !== null) (await import('./become-root.ts')).joinUserNamespace(process.env, pid);
    },
    becomeRoot: async (runtimeDirectory) => {
      if (process.geteuid?.() === 0) return;
      await (await import('./become-root.ts')).becomeRoot(process.env, runtimeDirectory);
    },
  });
  interrupts.release();
}

/** Whether a command line's command can begin with this word. */
export const isCommandWord = (word: string): boolean => commandNames().includes(word) || isCommandGroup(word);

const readEnvironment = (): Environment => ({
  variables: process.env,
  userId: findUserId(process.geteuid?.() ?? 0, process.env),
  homeDirectory: process.env.HOME || findHome(),
  workingDirectory: () => process.cwd(),
  stdinIsTerminal: () => isTerminal(0),
  stdoutIsTerminal: () => isTerminal(1),
  openKeyboard: async () => (isTerminal(0) ? (await import('./keyboard.ts')).createKeyboard(0) : null),
  ask: async (question) => {
    const terminal = {
      input: process.stdin,
      write: (text: string) => void createOutput(2, {isVital: false}).write(text),
      interrupt: () => void process.kill(process.pid, 'SIGINT'),
    };
    return (await import('./prompt.ts')).askOnTerminal(terminal, question);
  },
  readStandardInput: async (options) => (await import('./standard-input.ts')).readStandardInput(process.stdin, options),
  openStandardInput: (signal) => process.getBuiltinModule('node:stream').addAbortSignal(signal, process.stdin),
});

/** A user without an account (containers often run with any number) has the home that login shells give it then. */
function findHome(): string {
  try {
    return homedir();
  } catch {
    return '/';
  }
}

// Not an import: node:tty takes 5 ms, and few commands ask.
const isTerminal = (descriptor: number): boolean => process.getBuiltinModule('node:tty').isatty(descriptor);

// A terminal that was closed ends the drawing, not the command; SIGHUP decides about that.
function ignoreHangUp(): void {}

function dieOfBug(error: unknown): never {
  createOutput(2, {isVital: false}).write(formatError(error));
  process.exit(EXIT_BUG);
}
