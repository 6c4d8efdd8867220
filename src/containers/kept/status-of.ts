import type {ContainerState} from './read-state.ts';

/** As docker names it: what is paused does not count as running, nor what starts again as exited. */
export const statusOf = ({
  state,
  isPaused,
  isRestarting,
}: Pick<ContainerState, 'state' | 'isPaused' | 'isRestarting'>): string =>
  isPaused ? 'paused' : isRestarting ? 'restarting' : state;
