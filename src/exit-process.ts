import {openToolkit, type ToolkitOptions} from './toolkit.ts';

/** What this process is told to do, as JSON in its first argument. */
export interface ExitWork {
  readonly toolkit: ToolkitOptions;
  /** Of a container that has ended. */
  readonly id: string;
}

/** The process that conmon starts when a container ends that is to be removed, to leave its networks or to start again. */
async function settleEnded(): Promise<void> {
  const {toolkit: options, id} = JSON.parse(process.argv[2] ?? '') as ExitWork;
  await using toolkit = await openToolkit(options);
  await toolkit.containers.settleEnded(id);
}

void settleEnded();
