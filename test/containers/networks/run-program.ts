import type {RunRequest} from '../../../src/containers/run.ts';
import {openToolkit, type ToolkitOptions} from '../../../src/toolkit.ts';

// Runs a container, to be killed at that: `run-program.ts OPTIONS REQUEST`, both as JSON.
const [, , options = '', request = ''] = process.argv;
await using toolkit = await openToolkit(JSON.parse(options) as ToolkitOptions);
await toolkit.containers.run(JSON.parse(request) as RunRequest);
