import type {HttpServer, HttpService} from '../../http-server/http-server.ts';
import type {ToolkitOptions} from '../../toolkit.ts';
import {type OptionValues, text} from '../arguments/option-table.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {resolveToolkitOptions} from '../environment.ts';
import type {GLOBAL_OPTIONS} from '../global-options.ts';
import {isHandedOver, LISTEN_FLAGS, parseListenPlaces, parseRegistryPlace} from '../options/listen.ts';
import {parseSeconds} from '../options/seconds.ts';
import {formatError} from '../report-error.ts';
import {readVersion} from '../version.ts';

const SERVE_FLAGS = {
  ...LISTEN_FLAGS,
  registry: text(
    'ADDRESS[:PORT]',
    'Serve the images as a registry that can only be read, and that fetches what it lacks',
  ),
  'idle-timeout': text('DURATION', 'End when nobody has been connected for so long'),
};

type ServeValues = OptionValues<typeof SERVE_FLAGS & typeof GLOBAL_OPTIONS>;

/** `winch serve` */
export const serveCommand = defineCommand({
  name: 'serve',
  summary: 'Serve the Engine API, for the docker command and its libraries, or the images as a registry',
  description:
    'The API is on a socket that this user alone may connect to, until Ctrl-C. Whoever may connect may do what this user ' +
    'may. Containers go on when the server ends. A registry is served alone, unless a host is named for the API. There ' +
    'docker.io/library/alpine is docker.io/library/alpine, or library/alpine, and the colon before a port is an ' +
    'underscore (host_5000/app). Whoever can reach it gets what this user is logged in for.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: SERVE_FLAGS,
  examples: [
    ['winch serve', 'Until Ctrl-C'],
    ['DOCKER_HOST=unix:///run/winch.sock docker run --rm IMAGE', 'What docker then runs'],
    ['winch serve --host unix://$PWD/winch.sock --idle-timeout 5m', 'Elsewhere, as long as it is wanted'],
    ['winch serve --group docker', 'For all members of a group'],
    ['winch serve -H tcp://0.0.0.0:2376 --tlsverify', 'For other machines, with certificates of both sides'],
    ['winch serve --registry 127.0.0.1:5001', 'The images, for other tools on this machine'],
  ],
  handle: async ({values}, context) => {
    const idle = values['idle-timeout'];
    const idleTimeoutMs = idle === undefined ? null : parseSeconds('--idle-timeout', idle) * 1000;
    await using ending = new AsyncDisposableStack();
    const services = await openServices(values, context, ending);
    const {startHttpServer} = await import('../../http-server/http-server.ts');
    const server = await startHttpServer({services, idleTimeoutMs});
    for (const address of server.addresses) context.remark(`winch: listening on ${address}`);
    await endOf(server, context.signal);
    return 0;
  },
});

async function openServices(
  values: ServeValues,
  context: CommandContext,
  ending: AsyncDisposableStack,
): Promise<readonly HttpService[]> {
  const {environment} = context;
  const {root, durability, snapshotter, registry} = values;
  const options = resolveToolkitOptions(environment, {root, durability, snapshotter});
  const services: HttpService[] = [];
  if (registry === undefined || values.host !== undefined || isHandedOver(environment)) {
    services.push(await openEngine(values, context, options));
  }
  if (registry !== undefined) {
    const place = parseRegistryPlace(registry, values, environment);
    const {openRegistryService} = await import('../serve-registry.ts');
    services.push(await openRegistryService({place, options, context}, ending));
  }
  return services;
}

async function openEngine(values: ServeValues, context: CommandContext, options: ToolkitOptions): Promise<HttpService> {
  const places = parseListenPlaces(values, context.environment);
  const {createApiService} = await import('../../engine-api/api-server.ts');
  return createApiService({
    context: {
      toolkit: await context.openToolkit(),
      openToolkitWith: async (credential) => (await import('../../toolkit.ts')).openToolkit({...options, credential}),
      version: readVersion(),
    },
    places,
    onBug: (error) => context.remark(formatError(error, {withStack: true}).trimEnd()),
  });
}

/** Ctrl-C is how a server is meant to end. */
async function endOf(server: HttpServer, signal: AbortSignal): Promise<void> {
  if (signal.aborted) server.close();
  signal.addEventListener('abort', () => server.close(), {once: true});
  await server.closed;
}
