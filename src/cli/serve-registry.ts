import {randomHex} from '../host/random-hex.ts';
import type {HttpService} from '../http-server/http-server.ts';
import type {ListenPlace} from '../http-server/listen-place.ts';
import {createRegistryService} from '../registry-api/registry-service.ts';
import {openToolkit, type ToolkitOptions} from '../toolkit.ts';
import type {CommandContext} from './command.ts';
import {formatError} from './report-error.ts';
import {readVersion} from './version.ts';

export interface RegistryToServe {
  readonly place: ListenPlace;
  readonly options: ToolkitOptions;
  readonly context: Pick<CommandContext, 'remark' | 'onEvent'>;
}

/** The images of a store as a registry. @param ending Closes what was opened for it. */
export async function openRegistryService(
  {place, options, context}: RegistryToServe,
  ending: AsyncDisposableStack,
): Promise<HttpService> {
  // No other server says the same, so that its own requests are known when a mirror leads them back here.
  const userAgent = `winch/${readVersion()} (registry ${randomHex(8)})`;
  const toolkit = ending.use(await openToolkit({...options, userAgent}));
  const images = ending.use(await toolkit.images.openReadThrough({onEvent: context.onEvent}));
  return createRegistryService({
    images,
    places: [place],
    userAgent,
    onBug: (error) => context.remark(formatError(error, {withStack: true}).trimEnd()),
  });
}
