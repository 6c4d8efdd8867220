import {recordEvents} from '../../src/store/event-log.ts';
import {storePaths} from '../../src/store/paths.ts';

/** Notes so many events of an actor of its own, as fast as it can. */
const [root = '', name = '', count = '0'] = process.argv.slice(2);
const paths = storePaths(root);
for (let number = 0; number < Number(count); number += 1) {
  const attributes = {number: String(number), filler: 'x'.repeat(number % 700)};
  recordEvents(paths, [{type: 'image', action: 'pull', id: name, attributes}], Date.now());
}
