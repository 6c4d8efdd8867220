import type {Supervision} from './conmon.ts';
import {globalArguments} from './runc-arguments.ts';
import {type Supervised, startSupervisor} from './start-supervisor.ts';

export interface ExecSupervision
  extends Pick<Supervision, 'conmon' | 'runtime' | 'stateDirectory' | 'id' | 'runtimeLog'> {
  /** Of the further process. */
  readonly execId: string;
  /** An existing directory; conmon puts its sockets there. */
  readonly directory: string;
  /** File with the process of the runtime configuration. */
  readonly processFile: string;
  /** Words in front of conmon's command line: a program that becomes what follows them. */
  readonly within: readonly string[];
}

/**
 * Starts conmon, which has the runtime run a further process in a container and then holds its terminal for as long as it
 * lives: what it prints is nobody's.
 */
export function startExecConmon({conmon, within, ...supervision}: ExecSupervision): Supervised {
  const [program = '', ...words] = [...within, conmon, ...execConmonArguments(supervision)];
  return startSupervisor(program, words, supervision);
}

/** Its command line; the id never comes last, which is how a runtime that works on the container is known. */
export function execConmonArguments(supervision: Omit<ExecSupervision, 'conmon' | 'within'>): readonly string[] {
  const {id, execId, runtime, stateDirectory, runtimeLog, directory, processFile} = supervision;
  const runtimeWords = globalArguments({root: stateDirectory, log: runtimeLog});
  return [
    ...['--api-version', '1', '--cid', id, '--cuuid', execId, '--runtime', runtime],
    ...runtimeWords.flatMap((word) => ['--runtime-arg', word]),
    ...['--exec', '--exec-process-spec', processFile, '--terminal'],
    ...['--bundle', directory, '--container-pidfile', `${directory}/pid`, '--log-path', 'none'],
    ...['--full-attach', '--sync'],
  ];
}
