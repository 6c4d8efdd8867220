// node bench/crowd.ts [--seconds N] [--pullers N]: processes pull four images that share a base, without end, while others remove, prune and tag them.
//
// Fails when a command fails, when the store is damaged at the end, or when somebody waited for a lock of the store for
// more than 2 s. Prints one JSON line; `waitsMs` are the longest of each kind, as `--trace` of every command tells them:
// `lease` is the wait for whoever frees space, `transaction` the wait for the database with the change itself; `blob` and
// `layer` are waits for another process that downloads or unpacks the same, which is work in progress and no lock of the
// store; `sweep` is how long space was being freed.
//
// The whole series: node bench/crowd.ts --seconds 180 --pullers 16
import {parseArgs} from 'node:util';
import {startRegistry} from '../fixtures/registry-server.ts';
import {putCrowdImages, runCrowd} from '../test/helpers/crowd.ts';
import {makeWinch} from '../test/helpers/winch.ts';

const {values} = parseArgs({
  options: {seconds: {type: 'string', default: '180'}, pullers: {type: 'string', default: '16'}},
});
const LONGEST_WAIT_MS = 2000;
const [pullers, seconds] = [Number(values.pullers), Number(values.seconds)];

await using registry = await startRegistry();
using winch = makeWinch();
putCrowdImages(registry);
const {counts, prunes, failures, waits} = await runCrowd({winch, registry, pullers, durationMs: seconds * 1000});
const longestMs = Math.max(waits.lease, waits.transaction);
for (const failure of failures) process.stdout.write(`${JSON.stringify({failure})}\n`);
process.stdout.write(
  `${JSON.stringify({pullers, seconds, counts, prunes, failures: failures.length, waitsMs: waits, longestLockWaitMs: longestMs})}\n`,
);
if (failures.length > 0 || longestMs > LONGEST_WAIT_MS) process.exitCode = 1;
