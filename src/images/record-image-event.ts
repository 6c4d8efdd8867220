import {recordEvents} from '../store/event-log.ts';
import type {ImageContext} from './context.ts';

export interface ImageEvent {
  /** As docker names it: `pull`, `tag`, `untag`, `delete`, `load`, `import`, `save`, `push`. */
  readonly action: string;
  /** The id of the image; of what comes from a registry, or goes there, its name. */
  readonly id: string;
  readonly name: string;
}

/** Tells those who follow events what was done with images. */
export const recordImageEvents = ({store, now}: ImageContext, events: readonly ImageEvent[]): void =>
  recordEvents(
    store.paths,
    events.map(({action, id, name}) => ({type: 'image', action, id, attributes: {name}})),
    now(),
  );
