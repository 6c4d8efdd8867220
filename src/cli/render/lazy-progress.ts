import type {WinchEvent} from '../../events.ts';
import {handsOver} from './describe-event.ts';
import type {Progress} from './progress.ts';

/**
 * Opens a progress at the first event that it shows: looking at the terminal takes 5 ms, which a command that has nothing
 * to tell need not spend.
 *
 * @param showsAll Whether every event is written, as in JSON lines.
 */
export function createLazyProgress(open: () => Progress, {showsAll}: {readonly showsAll: boolean}): Progress {
  let progress: Progress | null = null;
  return {
    onEvent: (event: WinchEvent) => {
      if (progress === null && !showsAll && handsOver(event)) return;
      progress ??= open();
      progress.onEvent(event);
    },
    stop: () => progress?.stop(),
  };
}
