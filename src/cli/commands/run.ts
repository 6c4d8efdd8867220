import type {RunRequest, RunResult} from '../../containers/run.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {EXIT_RUN_FAILED} from '../exit-codes.ts';
import {parseRegistryFlags} from '../options/registry.ts';
import {parseRunRequest, RUN_FLAGS} from '../options/run-request.ts';

/** `winch run` */
export const runCommand = defineCommand({
  name: 'run',
  summary: 'Run a command in an image, or a bundle, and clean up after it',
  description:
    "Ends with the command's own exit code; 125 when winch failed, 126 and 127 when the command did not start.",
  positionals: {usage: 'IMAGE [COMMAND] [ARGUMENT...]', minimum: 0, images: 1},
  options: RUN_FLAGS,
  stopsAtPositional: true,
  failureExitCode: EXIT_RUN_FAILED,
  examples: [
    ['winch run alpine echo hello', 'One command'],
    ['winch run -it alpine', 'A shell'],
    ['echo hi | winch run -i alpine cat', 'With standard input'],
    ['winch run --rm -v "$PWD:/src" -w /src node:22 npm test', 'On the files of this directory'],
    ['winch run --network none --memory 512m --timeout 5m IMAGE', 'With limits'],
    ['winch run --bundle DIR', 'A bundle of winch bundle or any other tool'],
  ],
  handle: async ({values, positionals}, context) => {
    const request = parseRunRequest(values, positionals, context.environment);
    await context.becomeRoot();
    const references = 'image' in request ? [request.image] : [];
    const toolkit = await context.openToolkit({references, registry: parseRegistryFlags(values)});
    const result = await toolkit.containers.run(request, {signal: context.signal, onEvent: context.onEvent});
    remarkOnEnd(result, request, context);
    return result.exitCode;
  },
});

function remarkOnEnd({timedOut, outOfMemory}: RunResult, request: RunRequest, {remark}: CommandContext): void {
  if (timedOut) remark(`winch: the container was ended after ${request.timeoutSeconds} seconds (--timeout)`);
  if (outOfMemory) {
    remark(`winch: killed: out of memory (limit ${request.container?.memoryBytes} bytes, --memory)`);
  }
}
