// node bench/crash.ts [--together N] [--moments N] [--calls N] [--seed N] [--round N] [--mix all|COMMAND,…]
//
// Kills commands, each time with SIGKILL and with everything they have started; then the command is repeated, an image
// pulled before runs, `winch check` is clean, and a checker that shares no code with winch agrees. Prints JSON lines for
// what fails and a table at the end.
//
//   --together  rounds in which the commands of the mix run at once on one store; in every other one a single one of them is killed, else all are
//   --moments   rounds in which one command runs alone and is killed at a random moment
//   --calls     kills at system calls (rename, fsync, unlink …) for each command and kind of call; spread evenly over those that there are
//   --round     only this round of `--together` or `--moments`, as it was with this seed
//
// The whole series: node bench/crash.ts --together 200 --moments 0 --calls 0
//                   node bench/crash.ts --together 0 --moments 220 --calls 5
import {parseArgs} from 'node:util';
import {CRASH_COMMANDS, type CrashCommand} from '../test/helpers/crash-commands.ts';
import {DISK_CALLS, openCrashRig} from '../test/helpers/crash-rig.ts';
import {createRandom, type Random} from './images/random.ts';

const {values} = parseArgs({
  options: {
    seed: {type: 'string', default: '1'},
    together: {type: 'string', default: '200'},
    moments: {type: 'string', default: '0'},
    calls: {type: 'string', default: '0'},
    round: {type: 'string'},
    mix: {type: 'string', default: 'pull,rmi,prune,load,run'},
  },
});
const [seed, calls] = [Number(values.seed), Number(values.calls)];
const mix = CRASH_COMMANDS.filter((command) => values.mix === 'all' || values.mix.split(',').includes(command));
/** Some kills come after the end, as in ostree's test of the same kind. */
const AFTER = 1.1;

interface Score {
  kills: number;
  /** Of these, how many had not ended by themselves. */
  interrupted: number;
  survived: number;
}

const scores = new Map<string, Score>();
const scoreOf = (name: string): Score => {
  const score = scores.get(name) ?? {kills: 0, interrupted: 0, survived: 0};
  scores.set(name, score);
  return score;
};

await using rig = await openCrashRig();
const start = performance.now();
if (Number(values.together) > 0) await strikeTogether(Number(values.together));
if (Number(values.moments) > 0) await strikeAtMoments(Number(values.moments));
if (calls > 0) for (const command of CRASH_COMMANDS) await strikeAtCalls(command);
await survives({scenario: 'emptied'}, rig.requireEmptied);
printTable();

async function strikeTogether(rounds: number): Promise<void> {
  const durations = await rig.time(...mix);
  let survived = 0;
  for (const round of roundsOf(rounds)) {
    const random = randomOf(round);
    const single = round % 2 === 0 ? mix[(round / 2) % mix.length] : undefined;
    const momentOf = (command: CrashCommand) =>
      single === undefined || single === command ? random.next() * AFTER * (durations.get(command) ?? 0) : null;
    const crowd = new Map(mix.map((command) => [command, momentOf(command)] as const));
    const victims = mix.filter((command) => crowd.get(command) !== null);
    const isSound = await survives({round, crowd: Object.fromEntries(crowd)}, async () => {
      for (const command of await rig.strikeTogether(crowd)) scoreOf(`together ${command}`).interrupted += 1;
    });
    if (isSound) survived += 1;
    for (const command of victims) count(`together ${command}`, isSound);
  }
  print({scenario: 'together', seed, mix, rounds: roundsOf(rounds).length, survived, seconds: secondsSince(start)});
}

async function strikeAtMoments(rounds: number): Promise<void> {
  const durations = new Map<CrashCommand, number>();
  for (const command of CRASH_COMMANDS) for (const [name, ms] of await rig.time(command)) durations.set(name, ms);
  for (const round of roundsOf(rounds)) {
    const command = CRASH_COMMANDS[round % CRASH_COMMANDS.length] ?? 'pull';
    const afterMs = randomOf(round).next() * AFTER * (durations.get(command) ?? 0);
    const isSound = await survives({round, command, afterMs}, async () => {
      if (await rig.strike(command, {afterMs})) scoreOf(`moment ${command}`).interrupted += 1;
    });
    count(`moment ${command}`, isSound);
  }
}

async function strikeAtCalls(command: CrashCommand): Promise<void> {
  const counts = await rig.countCalls(command);
  for (const call of DISK_CALLS) {
    for (const nth of spread(counts[call], calls)) {
      const isSound = await survives({command, call, count: nth}, async () => {
        if (await rig.strike(command, {call, count: nth})) scoreOf(`call ${command}`).interrupted += 1;
      });
      count(`call ${command}`, isSound);
    }
  }
  print({scenario: 'calls', command, counts});
}

async function survives(what: object, strike: () => Promise<void>): Promise<boolean> {
  try {
    await strike();
    return true;
  } catch (error) {
    print({seed, ...what, error: String(error)});
    process.exitCode = 1;
    return false;
  }
}

function count(name: string, isSound: boolean): void {
  const score = scoreOf(name);
  score.kills += 1;
  if (isSound) score.survived += 1;
}

function roundsOf(most: number): readonly number[] {
  return values.round === undefined ? Array.from({length: most}, (_, round) => round) : [Number(values.round)];
}

/** A round draws the same numbers whether or not others come before it. */
function randomOf(round: number): Random {
  return createRandom(Math.imul(seed, 0x9e37_79b1) + round);
}

/** At most `most` of the numbers from 1 to `last`. */
function spread(last: number, most: number): readonly number[] {
  const all = Array.from({length: last}, (_, index) => index + 1);
  return all.filter(
    (_, index) => last <= most || Math.floor((index * most) / last) !== Math.floor(((index - 1) * most) / last),
  );
}

function printTable(): void {
  const rows = [...scores].map(([name, {kills, interrupted, survived}]) => [name, kills, interrupted, survived]);
  for (const row of [[`seed ${seed}`, 'kills', 'interrupted', 'survived'], ...rows]) {
    process.stdout.write(
      `${row.map((cell, index) => (index === 0 ? String(cell).padEnd(18) : String(cell).padStart(12))).join('')}\n`,
    );
  }
}

function print(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function secondsSince(from: number): number {
  return Math.round((performance.now() - from) / 1000);
}
