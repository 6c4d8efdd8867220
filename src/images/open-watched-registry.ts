import type {RegistryClient} from '../registry/client.ts';
import {describeCredential} from '../registry/credentials.ts';
import {withTrace} from '../registry/trace-transport.ts';
import type {Transport} from '../registry/transport.ts';
import {withWireLog} from '../registry/wire-log.ts';
import type {Watchers} from '../trace.ts';
import {openRegistry} from './open-registry.ts';
import type {RegistrySettings} from './registry-settings.ts';

/** As `openRegistry`, with somebody who watches; apart from it so that others do not load this. */
export function openWatchedRegistry(settings: RegistrySettings, {onSpan, onWire}: Watchers): RegistryClient {
  const watch = (transport: Transport): Transport => {
    const traced = onSpan ? withTrace(transport, onSpan) : transport;
    return onWire ? withWireLog(traced, onWire) : traced;
  };
  return openRegistry(settings, {
    watch,
    onCredential: (registry, {source, credential}) =>
      onWire?.({type: 'wire:credential', registry, source, kind: describeCredential(credential).kind}),
  });
}
