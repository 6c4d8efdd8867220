import {join} from 'node:path';
import type {ApiServer} from '../../engine-api/api-server.ts';
import {text} from '../arguments/option-table.ts';
import {flagInvalid} from '../arguments/usage-error.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {resolveToolkitOptions} from '../environment.ts';
import {parseSeconds} from '../options/seconds.ts';
import {formatError} from '../report-error.ts';
import {readVersion} from '../version.ts';

const SCHEME = 'unix://';

/** `winch serve` */
export const serveCommand = defineCommand({
  name: 'serve',
  summary: 'Serve the Engine API, for the docker command and its libraries',
  description:
    'On a socket that this user alone may connect to, until Ctrl-C. Of the API there is what concerns images, events and ' +
    'containers, but for exec, stats, archives, networks and volumes.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    host: text('unix://PATH', 'Where to listen', {
      short: 'H',
      defaultsTo: '/run/winch.sock for root, else $XDG_RUNTIME_DIR/winch.sock',
    }),
    'idle-timeout': text('DURATION', 'End when nobody has been connected for so long'),
  },
  examples: [
    ['winch serve', 'Until Ctrl-C'],
    ['DOCKER_HOST=unix:///run/winch.sock docker run --rm IMAGE', 'What docker then runs'],
    ['winch serve --host unix://$PWD/winch.sock --idle-timeout 5m', 'Elsewhere, as long as it is wanted'],
  ],
  handle: async ({values}, context) => {
    const path = parseHost(values.host) ?? defaultSocket(context);
    const idle = values['idle-timeout'];
    const idleTimeoutMs = idle === undefined ? null : parseSeconds('--idle-timeout', idle) * 1000;
    const {root, durability, snapshotter} = values;
    const options = resolveToolkitOptions(context.environment, {root, durability, snapshotter});
    const {startApiServer} = await import('../../engine-api/api-server.ts');
    const server = await startApiServer({
      context: {
        toolkit: await context.openToolkit(),
        openToolkitWith: async (credential) => (await import('../../toolkit.ts')).openToolkit({...options, credential}),
        version: readVersion(),
      },
      socket: {path, groupId: null},
      idleTimeoutMs,
      onBug: (error) => context.remark(formatError(error, {withStack: true}).trimEnd()),
    });
    context.remark(`winch: listening on ${SCHEME}${path}`);
    await endOf(server, context.signal);
    return 0;
  },
});

function parseHost(host: string | undefined): string | null {
  if (host === undefined) return null;
  const path = host.startsWith(SCHEME) ? host.slice(SCHEME.length) : '';
  if (path.startsWith('/')) return path;
  throw flagInvalid('--host', 'names no socket', `--host ${SCHEME}/run/winch.sock`);
}

function defaultSocket({environment: {variables, userId}}: CommandContext): string {
  if (userId === 0) return '/run/winch.sock';
  const directory = variables.XDG_RUNTIME_DIR || `/run/user/${userId}`;
  return join(directory, 'winch.sock');
}

/** Ctrl-C is how a server is meant to end. */
async function endOf(server: ApiServer, signal: AbortSignal): Promise<void> {
  if (signal.aborted) server.close();
  signal.addEventListener('abort', () => server.close(), {once: true});
  await server.closed;
}
