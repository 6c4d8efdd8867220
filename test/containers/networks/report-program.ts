import {isWinchError, type WinchError} from '../../../src/errors.ts';
import type {CallOptions} from '../../../src/events.ts';
import {openToolkit, type ToolkitOptions} from '../../../src/toolkit.ts';

// Makes one call about containers and prints how it went: `report-program.ts OPTIONS CALL ARGUMENTS CALL-OPTIONS`, all but
// the call as JSON.
const [, , options = '', call = '', words = '[]', more = '{}'] = process.argv;
await using toolkit = await openToolkit(JSON.parse(options) as ToolkitOptions);
const calls = toolkit.containers as unknown as Readonly<Record<string, (...words: readonly unknown[]) => unknown>>;
const warnings: string[] = [];
const callOptions: CallOptions = {
  ...JSON.parse(more),
  onEvent: (event) => {
    if (event.type === 'warning:raised') warnings.push(event.message);
  },
};
let error: WinchError | null = null;
try {
  await calls[call]?.(...(JSON.parse(words) as readonly unknown[]), callOptions);
} catch (thrown) {
  if (!isWinchError(thrown)) throw thrown;
  error = thrown;
}
process.stdout.write(JSON.stringify({code: error?.code ?? null, hint: error?.hint ?? null, warnings}));
