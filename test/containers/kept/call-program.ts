import {openToolkit, type ToolkitOptions} from '../../../src/toolkit.ts';

type Calls = Readonly<Record<string, (...words: readonly unknown[]) => unknown>>;

// Makes one call, to be killed at that: `call-program.ts OPTIONS CALL ARGUMENTS`, all but the call as JSON. The call is about
// containers, or about something else that stands before a dot (`networks.connect`).
const [, , options = '', call = '', words = ''] = process.argv;
await using toolkit = await openToolkit(JSON.parse(options) as ToolkitOptions);
const [name = '', room = 'containers'] = call.split('.').reverse();
const rooms = toolkit as unknown as Readonly<Record<string, Calls>>;
await rooms[room]?.[name]?.(...(JSON.parse(words) as readonly unknown[]));
