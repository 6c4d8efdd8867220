import {type ChildProcess, spawn} from 'node:child_process';
import {once} from 'node:events';
import {fileURLToPath} from 'node:url';
import type {ExecRequest} from '../../../src/containers/kept/exec-container.ts';
import type {KeptStore} from './kept-store.ts';

const PROGRAM = fileURLToPath(new URL('exec-program.ts', import.meta.url));

export interface ExecEnd {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

export interface StartedExec {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  read(): string;
  readonly ended: Promise<ExecEnd>;
}

/** Starts a process whose standard streams become those of a command in a container. */
export function startExec(
  {root, runtimeDirectory}: Pick<KeptStore, 'root' | 'runtimeDirectory'>,
  container: string,
  request: ExecRequest,
  input: Buffer | null = Buffer.alloc(0),
): StartedExec {
  const words = [PROGRAM, JSON.stringify({root, runtimeDirectory}), container, JSON.stringify(request)];
  const child = spawn(process.execPath, words, {stdio: 'pipe'});
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
    const pieces: Buffer[] = [];
    stream.on('data', (piece: Buffer) => pieces.push(piece));
    return () => Buffer.concat(pieces);
  }) as [() => Buffer, () => Buffer];
  child.stdin.on('error', () => {});
  if (input !== null) child.stdin.end(input);
  const ended = once(child, 'close').then(([code]) => ({code, stdout: stdout(), stderr: stderr().toString()}));
  return {child, read: () => stdout().toString(), ended};
}
