import type {Diagnosis} from '../../containers/diagnose.ts';
import {safeText} from './safe-text.ts';

/** A line for each check, and below it the command that adds what is missing. */
export function renderDiagnosis({checks, canRun}: Diagnosis): string {
  const stateWidth = Math.max(...checks.map(({state}) => state.length));
  const nameWidth = Math.max(...checks.map(({name}) => name.length));
  const lines = checks.flatMap(({name, state, detail, remedy}) => {
    const line = `${state.padEnd(stateWidth)}  ${name.padEnd(nameWidth)}  ${safeText(detail)}`;
    return remedy === null ? [line] : [line, `${' '.repeat(stateWidth + nameWidth + 4)}${safeText(remedy)}`];
  });
  return [...lines, canRun ? 'Images can be run here.' : 'Images cannot be run here.'].join('\n');
}
