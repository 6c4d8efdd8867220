import type {EventSink} from '../../events.ts';

/** Passes on the first pause of each host: a registry that limits a long pull asks for one again and again. */
export function tellPausesOnce(onEvent: EventSink): EventSink {
  const told = new Set<string>();
  return (event) => {
    if (event.type === 'host:paused') {
      if (told.has(event.host)) return;
      told.add(event.host);
    }
    onEvent(event);
  };
}
