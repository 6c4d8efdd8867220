import {openToolkit, type ToolkitOptions} from '../../../src/toolkit.ts';

// Starts a container, to be killed at that: `start-program.ts OPTIONS ID`, with the options of a toolkit as JSON.
const [, , options = '', id = ''] = process.argv;
await using toolkit = await openToolkit(JSON.parse(options) as ToolkitOptions);
await toolkit.containers.start(id);
