import {flag} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG, NO_TRUNC_FLAG} from '../options/image.ts';
import {renderUsage} from '../render/container-usage.ts';
import {safeJson} from '../render/safe-text.ts';

/** Moves to the first line and clears what is below. */
const START_OVER = '\u001b[H\u001b[J';

/** `winch stats` */
export const statsCommand = defineCommand({
  name: 'stats',
  summary: 'Show what running containers use',
  description:
    'Processor time, memory, network, disk and processes, every second until the named containers have ended or Ctrl-C. ' +
    'Without names: all that run.',
  positionals: {usage: '[CONTAINER...]', minimum: 0, areContainers: true},
  options: {
    'no-stream': flag('Print one reading and end'),
    ...FORMAT_FLAG,
    ...NO_TRUNC_FLAG,
  },
  examples: [
    ['winch stats', 'All containers, live'],
    ['winch stats --format json web', 'A line of JSON for each reading'],
    ["winch stats --format '{{.Name}} {{.CPUPerc}} {{.MemUsage}}'", 'By template'],
  ],
  handle: async ({values, positionals}, context) => {
    const {format, 'no-stream': isOnce = false, 'no-trunc': isFull = false} = values;
    const {containers} = await context.openToolkit();
    const startsOver = !isOnce && (format ?? 'table').startsWith('table') && context.environment.stdoutIsTerminal();
    const named = positionals.length > 0 ? positionals : undefined;
    for await (const usages of containers.stats({containers: named, signal: context.signal})) {
      const text = format === 'json' && !isOnce ? safeJson(usages) : renderUsage(usages, {format, isFull});
      context.print(startsOver ? `${START_OVER}${text}` : text);
      if (isOnce) break;
    }
    return 0;
  },
});
