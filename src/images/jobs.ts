import type {CallOptions, EventSink, WinchEvent} from '../events.ts';
import {openSharedWork} from '../registry/shared-work.ts';

/** Work that several callers may ask for at once. */
export interface Jobs {
  /**
   * Starts the job of a key, or joins the one that is under way: there is one result for all, and everybody hears of all
   * that has happened in it. Who is aborted leaves at once; the job itself is aborted when all have left.
   */
  run<T>(key: string, options: CallOptions, work: (shared: JobOptions) => Promise<T>): Promise<T>;
}

/** Of the job, and not of one of its callers. */
export interface JobOptions {
  readonly signal: AbortSignal;
  readonly onEvent: EventSink;
}

/** @returns the jobs of one process, which share nothing with those of another handle. */
export function createJobs(): Jobs {
  const shared = openSharedWork<unknown>();
  const stories = new Map<string, Story>();
  const start = async <T>(key: string, signal: AbortSignal, work: (shared: JobOptions) => Promise<T>): Promise<T> => {
    const story = createStory();
    stories.set(key, story);
    try {
      return await work({signal, onEvent: story.tell});
    } finally {
      if (stories.get(key) === story) stories.delete(key);
    }
  };
  return {
    run: async <T>(key: string, {signal, onEvent}: CallOptions, work: (shared: JobOptions) => Promise<T>) => {
      const result = shared.run(key, signal, (jobSignal) => start(key, jobSignal, work));
      // The work has begun by now, and told nothing yet.
      const leave = onEvent && stories.get(key)?.listen(onEvent);
      try {
        return (await result) as T;
      } finally {
        leave?.();
      }
    },
  };
}

interface Story {
  readonly tell: EventSink;
  /** Hears first what has been told. @returns what ends the listening. */
  listen(listener: EventSink): () => void;
}

/** Of each kind of event about one thing the last is kept, which is what somebody who joins has to know. */
function createStory(): Story {
  const past = new Map<string, WinchEvent>();
  const listeners = new Set<EventSink>();
  return {
    tell: (event) => {
      past.set(`${event.type} ${subjectOf(event)}`, event);
      for (const listener of listeners) listener(event);
    },
    listen: (listener) => {
      for (const event of past.values()) listener(event);
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

function subjectOf(event: WinchEvent): string {
  if ('digest' in event) return event.digest;
  if ('host' in event) return event.host;
  return 'code' in event ? event.code : '';
}
