import {execFile} from 'node:child_process';
import {noteStarted} from './started-processes.ts';

export interface ProgramExit {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

const LARGEST_OUTPUT = 2 ** 26;

/** Runs another tool to its end; unlike spawnSync it leaves this process free to answer what the tool asks of it. */
export const runProgram = (file: string, words: readonly string[], input = ''): Promise<ProgramExit> =>
  new Promise((resolve, reject) => {
    const options = {maxBuffer: LARGEST_OUTPUT, env: {...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`}};
    const child = execFile(file, words, options, (error, stdout, stderr) => {
      const code = error?.code ?? 0;
      if (typeof code === 'number') resolve({exitCode: code, stdout, stderr});
      else reject(error);
    });
    noteStarted(child);
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });

/** As `runProgram`; a failure is an error with what the tool said. */
export async function requireProgram(file: string, words: readonly string[]): Promise<string> {
  const {exitCode, stdout, stderr} = await runProgram(file, words);
  if (exitCode !== 0) throw new Error(`${file} ${words.join(' ')}: ${stderr}`);
  return stdout;
}
