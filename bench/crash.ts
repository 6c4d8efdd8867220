// node bench/crash.ts [--moments N] [--seed N] [--calls N]: kills commands at random moments and at their system calls. Prints JSON lines.
import {parseArgs} from 'node:util';
import {CRASH_COMMANDS, type CrashCommand, DISK_CALLS, openCrashRig} from '../test/helpers/crash-rig.ts';
import {createRandom} from './images/random.ts';

const {values} = parseArgs({
  options: {
    seed: {type: 'string', default: '1'},
    /** Kills at random moments. */
    moments: {type: 'string', default: '200'},
    /** Kills at system calls for each command and kind of call; spread evenly over those that there are. */
    calls: {type: 'string', default: '5'},
  },
});
const [seed, moments, callsOfEach] = [Number(values.seed), Number(values.moments), Number(values.calls)];
/** Some kills come after the end, as in ostree's test of the same kind. */
const AFTER = 1.1;

const print = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);

await using rig = await openCrashRig();
await strikeAtMoments();
if (callsOfEach > 0) for (const command of CRASH_COMMANDS) await strikeAtCalls(command);

async function strikeAtMoments(): Promise<void> {
  const random = createRandom(seed);
  const durations = new Map<CrashCommand, number>();
  for (const command of CRASH_COMMANDS) durations.set(command, await rig.time(command));
  let [interrupted, failed] = [0, 0];
  for (let round = 0; round < moments; round += 1) {
    const command = CRASH_COMMANDS[round % CRASH_COMMANDS.length] ?? 'pull';
    const afterMs = random.next() * AFTER * (durations.get(command) ?? 0);
    try {
      if (await rig.strike(command, {afterMs})) interrupted += 1;
    } catch (error) {
      failed += 1;
      print({round, command, afterMs, error: String(error)});
      await rig.prepare(command);
    }
  }
  print({scenario: 'moments', seed, kills: moments, interrupted, survived: moments - failed});
}

async function strikeAtCalls(command: CrashCommand): Promise<void> {
  await rig.prepare(command);
  const counts = await rig.countCalls(command);
  let [kills, interrupted, failed] = [0, 0, 0];
  for (const call of DISK_CALLS) {
    for (const count of spread(counts[call], callsOfEach)) {
      await rig.prepare(command);
      kills += 1;
      try {
        if (await rig.strike(command, {call, count})) interrupted += 1;
      } catch (error) {
        failed += 1;
        print({command, call, count, error: String(error)});
      }
    }
  }
  print({scenario: 'calls', command, counts, kills, interrupted, survived: kills - failed});
}

/** At most `most` of the numbers from 1 to `last`. */
function spread(last: number, most: number): readonly number[] {
  const all = Array.from({length: last}, (_, index) => index + 1);
  return all.filter(
    (_, index) => last <= most || Math.floor((index * most) / last) !== Math.floor(((index - 1) * most) / last),
  );
}
