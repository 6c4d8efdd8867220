// node bench/lifecycle.ts [--rounds N] [--seed N] [--round N]
//
// Sends SIGTERM, SIGINT or SIGKILL at a random moment of create, start, exec and stop to winch, conmon or runc. The next
// command must tell what there is, a removal must leave no mount, cgroup, process or directory, and a container that runs
// beside all that must go on and stay visible. Prints JSON lines for what fails, and one for each victim at the end.
//
// The whole series: node bench/lifecycle.ts --rounds 100
import {parseArgs} from 'node:util';
import {openLifecycleRig, SIGNALS, VICTIMS} from '../test/helpers/lifecycle-rig.ts';
import {createRandom} from './images/random.ts';

const {values} = parseArgs({
  options: {
    rounds: {type: 'string', default: '100'},
    seed: {type: 'string', default: '1'},
    round: {type: 'string'},
  },
});
/** `stop` takes longer for those that do not listen. */
const AFTER = 1.1;

await using rig = await openLifecycleRig();
const scores = new Map(VICTIMS.map((victim) => [victim, {victim, rounds: 0, hit: 0, clean: 0}]));
await rig.time();
const wholeMs = await rig.time();
const rounds = Array.from({length: Number(values.rounds)}, (_, index) => index);
for (const round of values.round === undefined ? rounds : [Number(values.round)]) {
  const random = createRandom(Number(values.seed) * 1000 + round);
  const [victim = 'winch', signal = 'SIGKILL'] = [VICTIMS[random.below(3)], SIGNALS[random.below(3)]];
  const afterMs = (random.below(1000) / 1000) * wholeMs * AFTER;
  const score = scores.get(victim) ?? {victim, rounds: 0, hit: 0, clean: 0};
  score.rounds += 1;
  try {
    if (await rig.strike({victim, signal, afterMs})) score.hit += 1;
    score.clean += 1;
  } catch (error) {
    process.stdout.write(
      `${JSON.stringify({round, victim, signal, afterMs: Math.round(afterMs), failure: String(error)})}\n`,
    );
    process.exitCode = 1;
  }
}
for (const score of scores.values())
  process.stdout.write(`${JSON.stringify({...score, wholeMs: Math.round(wholeMs)})}\n`);
