// node bench/signals.ts [--points N] [--seed N]: interrupts pulls by SIGINT, SIGTERM and SIGHUP at random moments, every fourth time twice.
//
// Each pull ends with 130, 143 or 129 and no result, and the next one asks for no byte that is stored. Prints JSON lines:
// what fails, and how long the pulls took to end.
import {parseArgs} from 'node:util';
import {ENDING_SIGNALS, type EndingSignal, openSignalRig} from '../test/helpers/signal-rig.ts';
import {createRandom} from './images/random.ts';

const {values} = parseArgs({options: {seed: {type: 'string', default: '1'}, points: {type: 'string', default: '50'}}});
const [seed, points] = [Number(values.seed), Number(values.points)];
const LIMIT_MS = 1000;
const SIGNALS = Object.keys(ENDING_SIGNALS) as EndingSignal[];
/** The second signal comes so much later. */
const AGAIN_MS = 150;

await using rig = await openSignalRig();
const random = createRandom(seed);
const wholeMs = await rig.time();
const times: number[] = [];
let [failed, late] = [0, 0];
for (let point = 0; point < points; point += 1) {
  const signal = SIGNALS[point % SIGNALS.length] ?? 'SIGINT';
  const afterMs = random.next() * wholeMs;
  try {
    const {isHit, milliseconds} = await rig.interrupt(signal, {afterMs}, point % 4 === 3 ? AGAIN_MS : undefined);
    if (isHit) times.push(Math.round(milliseconds));
    if (milliseconds > LIMIT_MS) late += 1;
  } catch (error) {
    failed += 1;
    process.stdout.write(`${JSON.stringify({seed, point, signal, afterMs, error: String(error)})}\n`);
  }
}
const sorted = times.toSorted((a, b) => a - b);
const result = {
  points,
  interrupted: times.length,
  failed,
  late,
  medianMs: sorted[sorted.length >> 1],
  longestMs: sorted.at(-1),
};
process.stdout.write(`${JSON.stringify({seed, wholeMs: Math.round(wholeMs), ...result})}\n`);
if (failed > 0 || late > 0) process.exitCode = 1;
