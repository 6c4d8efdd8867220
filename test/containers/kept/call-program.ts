import {openToolkit, type ToolkitOptions} from '../../../src/toolkit.ts';

// Makes one call about containers, to be killed at that: `call-program.ts OPTIONS CALL ARGUMENTS`, all but the call as JSON.
const [, , options = '', call = '', words = ''] = process.argv;
await using toolkit = await openToolkit(JSON.parse(options) as ToolkitOptions);
const calls = toolkit.containers as unknown as Readonly<Record<string, (...words: readonly unknown[]) => unknown>>;
await calls[call]?.(...(JSON.parse(words) as readonly unknown[]));
