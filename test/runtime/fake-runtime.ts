import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

/** One call of the fake runtime. */
export interface RuntimeCall {
  readonly args: readonly string[];
  readonly environment: readonly string[];
  readonly workingDirectory: string;
}

export interface FakeRuntime extends Disposable {
  readonly directory: string;
  readonly path: string;
  readonly stateDirectory: string;
  /** In order; empty while there was none. */
  calls(): readonly RuntimeCall[];
}

/**
 * A program in the place of a runtime: notes how it was called, then does what a shell script says.
 *
 * @param script May use `$command` (`run`, `kill`, `delete`) and `$log`, the path of the log.
 */
export function makeFakeRuntime(script = ''): FakeRuntime {
  const directory = makeTemporaryDirectory();
  const at = (name: string) => join(directory.path, name);
  const [path, journal] = [at('runtime'), at('calls')];
  const note = `{ pwd; echo "$#"; printf '%s\\n' "$@"; /usr/bin/env; echo; } >> ${journal}`;
  const parse = 'log=; [ "$3" = --log ] && { log="$4"; command="$7"; } || command="$3"';
  writeFileSync(path, `#!/bin/sh\n${note}\n${parse}\n${script}\n`, {mode: 0o755});
  return {
    directory: directory.path,
    path,
    stateDirectory: at('state'),
    calls: () => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n\n').slice(0, -1).map(parseCall) : []),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}

function parseCall(text: string): RuntimeCall {
  const [workingDirectory = '', count = '0', ...lines] = text.split('\n');
  // The shell adds its own PWD and the like to what it was given.
  const environment = lines.slice(Number(count)).filter((line) => !/^(?:PWD|SHLVL|OLDPWD|_)=/.test(line));
  return {workingDirectory, args: lines.slice(0, Number(count)), environment: environment.toSorted()};
}
