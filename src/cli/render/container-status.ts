import type {ContainerState} from '../../containers/kept/read-state.ts';

/** As docker names it: what is paused does not count as running. */
export const statusOf = ({state, isPaused}: Pick<ContainerState, 'state' | 'isPaused'>): string =>
  isPaused ? 'paused' : state;
