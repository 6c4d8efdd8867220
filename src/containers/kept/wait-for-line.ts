import {WinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import type {ContainerContext} from '../context.ts';
import {createLineFinder} from '../line-finder.ts';
import {nameOf, requireContainer} from './find-container.ts';
import {placesOf} from './places.ts';
import {readLogs} from './read-logs.ts';
import {readStartNote} from './read-state.ts';

/**
 * Waits until a container in the background has printed a line since its last start, to standard output or error.
 *
 * @param pattern What the line contains, or matches.
 * @returns the line.
 * @throws {WinchError} `LINE_MISSING`: it has ended without it | `CONTAINER_UNKNOWN` | `CONTAINER_AMBIGUOUS`
 */
export async function waitForLine(
  context: ContainerContext,
  text: string,
  {pattern, signal}: CallOptions & {readonly pattern: string | RegExp},
): Promise<string> {
  const record = requireContainer(context, text);
  const started = readStartNote(placesOf(context, record.id))?.startedAt;
  const since = started === undefined ? undefined : new Date(started);
  const finders = {stdout: createLineFinder(pattern), stderr: createLineFinder(pattern)};
  for await (const {stream, bytes} of readLogs(context, record.id, {follow: true, since, signal})) {
    const found = finders[stream].add(bytes);
    if (found !== null) return found.line;
  }
  const last = finders.stdout.end() ?? finders.stderr.end();
  if (last !== null) return last;
  throw lineMissing(`container ${nameOf(record)}`, pattern);
}

export const lineMissing = (container: string, pattern: string | RegExp): WinchError =>
  new WinchError('LINE_MISSING', `${container} has ended without a line with ${pattern}`, {
    kind: 'runtime',
    hint: 'look at what it has printed',
  });
