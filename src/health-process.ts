import {isWinchError} from './errors.ts';
import {openToolkit, type ToolkitOptions} from './toolkit.ts';

/** What this process is told to do, as JSON in its first argument. */
export interface HealthWork {
  readonly toolkit: ToolkitOptions;
  /** Of a container that is to be checked. */
  readonly id: string;
}

const NOTHING_TO_CHECK = 3;
const OVER: readonly string[] = ['CONTAINER_STOPPED', 'CONTAINER_UNKNOWN', 'HEALTHCHECK_MISSING'];

/** The process that checks a container once, started again and again by the shell that watches it. */
async function checkHealth(): Promise<void> {
  const {toolkit: options, id} = JSON.parse(process.argv[2] ?? '') as HealthWork;
  await using toolkit = await openToolkit(options);
  try {
    const {pauseMs} = await toolkit.containers.checkHealth(id);
    process.stdout.write(`${pauseMs}\n`);
  } catch (error) {
    if (!isWinchError(error)) throw error;
    process.exitCode = OVER.includes(error.code) ? NOTHING_TO_CHECK : 1;
  }
}

void checkHealth();
