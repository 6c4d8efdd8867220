import type {CreateRequest} from '../../containers/kept/create-container.ts';
import type {RunRequest, RunResult} from '../../containers/run.ts';
import type {EventSink} from '../../events.ts';
import type {OptionValues} from '../arguments/option-table.ts';
import {becomeRootToMake} from '../become-root-for.ts';
import {openCidFile} from '../cid-file.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {createFrom} from '../create-from.ts';
import {EXIT_RUN_FAILED} from '../exit-codes.ts';
import {parseRegistryFlags} from '../options/registry.ts';
import {parseDetachedRun, parseRunRequest, RUN_FLAGS} from '../options/run-request.ts';
import {remarkOnLabels} from '../options/volume.ts';

/** `winch run` */
export const runCommand = defineCommand({
  name: 'run',
  summary: 'Run a command in an image, or a bundle, and clean up after it',
  description:
    "Ends with the command's own exit code; 125 when winch failed, 126 and 127 when the command did not start. " +
    'With --detach the container stays, running or not, until it is removed.',
  positionals: {usage: 'IMAGE [COMMAND] [ARGUMENT...]', minimum: 0, images: 1},
  options: RUN_FLAGS,
  stopsAtPositional: true,
  failureExitCode: EXIT_RUN_FAILED,
  examples: [
    ['winch run alpine echo hello', 'One command'],
    ['winch run -it alpine', 'A shell'],
    ['echo hi | winch run -i alpine cat', 'With standard input'],
    ['winch run --rm -v "$PWD:/src" -w /src node:22 npm test', 'On the files of this directory'],
    ['winch run --copy-in .:/src --copy-out /src/dist:. -w /src node:22 npm run build', 'Files in, artifacts out'],
    ['winch run --network none --memory 512m --timeout 5m IMAGE', 'With limits'],
    ['winch run -d --name web IMAGE', 'In the background; winch logs, stop and rm go on from there'],
    ['winch run --bundle DIR', 'A bundle of winch bundle or any other tool'],
  ],
  handle: async ({values, positionals}, context) => {
    if (values.detach) return runDetached(parseDetachedRun(values, positionals, context.environment), values, context);
    const request = parseRunRequest(values, positionals, context.environment);
    await becomeRootToMake(request.container ?? {}, context);
    remarkOnLabels(values, context.remark);
    using cidFile = openCidFile(values.cidfile, context.environment);
    const onEvent: EventSink = (event) => {
      if (event.type === 'container:started') cidFile.write(event.id);
      context.onEvent(event);
    };
    const references = 'image' in request ? [request.image] : [];
    const toolkit = await context.openToolkit({references, registry: parseRegistryFlags(values)});
    const result = await toolkit.containers.run(request, {signal: context.signal, onEvent});
    remarkOnEnd(result, request, context);
    return result.exitCode;
  },
});

/** What cannot be started is of no use to somebody who asked for a running container. */
async function runDetached(
  request: CreateRequest,
  values: OptionValues<typeof RUN_FLAGS>,
  context: CommandContext,
): Promise<number> {
  const {toolkit, id} = await createFrom(request, values, context);
  const {signal, onEvent} = context;
  try {
    await toolkit.containers.start(id, {signal, onEvent});
  } catch (error) {
    if (request.autoRemove) await toolkit.containers.remove(id).catch(() => {});
    throw error;
  }
  context.print(id);
  return 0;
}

function remarkOnEnd({timedOut, outOfMemory}: RunResult, request: RunRequest, {remark}: CommandContext): void {
  if (timedOut) remark(`winch: the container was ended after ${request.timeoutSeconds} seconds (--timeout)`);
  if (outOfMemory) {
    remark(`winch: killed: out of memory (limit ${request.container?.memoryBytes} bytes, --memory)`);
  }
}
