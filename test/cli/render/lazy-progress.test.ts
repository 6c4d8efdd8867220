import * as assert from 'uvu/assert';
import {createLazyProgress} from '../../../src/cli/render/lazy-progress.ts';
import type {WinchEvent} from '../../../src/events.ts';
import {describe} from '../../helpers/suite.ts';

const STARTED: WinchEvent = {type: 'container:started', id: 'a'};
const WARNING: WinchEvent = {type: 'warning:raised', code: 'A', message: 'b'};

/** What happens to a progress that is opened on demand. */
function watch(showsAll: boolean) {
  const log: string[] = [];
  const open = () => {
    log.push('open');
    return {onEvent: ({type}: WinchEvent) => void log.push(type), stop: () => void log.push('stop')};
  };
  return {log, progress: createLazyProgress(open, {showsAll})};
}

describe('cli/render/lazy-progress', ({test}) => {
  test('does not look at the terminal for what nobody writes a line about', () => {
    const {log, progress} = watch(false);
    progress.onEvent(STARTED);
    progress.onEvent({type: 'container:exited', id: 'a', exitCode: 1});
    progress.onEvent({type: 'exec:started', id: 'a'});
    progress.stop();
    assert.equal(log, []);
  });

  test('opens at the first event that is shown, and hears of all from there on', () => {
    const {log, progress} = watch(false);
    progress.onEvent(STARTED);
    progress.onEvent(WARNING);
    progress.onEvent(STARTED);
    progress.stop();
    assert.equal(log, ['open', 'warning:raised', 'container:started', 'stop']);
  });

  test('hears of every event where all are written', () => {
    const {log, progress} = watch(true);
    progress.onEvent(STARTED);
    assert.equal(log, ['open', 'container:started']);
  });
});
