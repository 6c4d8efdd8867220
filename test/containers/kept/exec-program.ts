import {writeSync} from 'node:fs';
import type {ExecRequest} from '../../../src/containers/kept/exec-container.ts';
import {isWinchError} from '../../../src/errors.ts';
import {openToolkit, type ToolkitOptions} from '../../../src/toolkit.ts';

// Runs a command in a container with its own streams and ends as it does: `exec-program.ts OPTIONS CONTAINER REQUEST`.
const [, , options = '', container = '', request = ''] = process.argv;
await using toolkit = await openToolkit(JSON.parse(options) as ToolkitOptions);
try {
  process.exitCode = await toolkit.containers.exec(container, JSON.parse(request) as ExecRequest);
} catch (error) {
  if (!isWinchError(error)) throw error;
  writeSync(2, `${error.code}\n`);
  process.exitCode = 99;
}
