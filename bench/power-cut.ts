// node bench/power-cut.ts [--cuts N] [--peer-cuts N] [--seed N]: cuts the power under pull, load, rmi and prune. Needs root. Prints JSON lines.
//
// The disk is an ext4 in a file that is shut down without flushing its log; then it is mounted again. Right after exit 0
// everything has to be there, at any other moment the old state or the complete new one, checked by a program that shares
// no code with winch; then the command is repeated. The same for pulls of skopeo and podman, right after their exit 0.
//
// The whole series, with peers that live in a chroot:
//   BENCH_SKOPEO=skopeo BENCH_PODMAN='chroot DIR podman' node bench/power-cut.ts --cuts 50 --peer-cuts 10
import {mkdtemp, rm} from 'node:fs/promises';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {buildTar} from '../fixtures/build-tar.ts';
import {busyboxImage} from '../fixtures/busybox-image.ts';
import {startRegistry} from '../fixtures/registry-server.ts';
import {openLoopDisk} from '../test/helpers/loop-disk.ts';
import {CUT_COMMANDS, openPowerCutRig} from '../test/helpers/power-cut-rig.ts';
import {runProgram} from '../test/helpers/run-program.ts';
import {createRandom} from './images/random.ts';

const {values} = parseArgs({
  options: {
    seed: {type: 'string', default: '1'},
    /** At random moments, and as many right after the end; shared out among the commands. */
    cuts: {type: 'string', default: '50'},
    /** Of each peer, right after its end. */
    'peer-cuts': {type: 'string', default: '10'},
  },
});
const [seed, cuts, peerCuts] = [Number(values.seed), Number(values.cuts), Number(values['peer-cuts'])];
const AFTER = 1.1;
const PEER_DISK_MEBIBYTES = 256;
const CONTENT = Buffer.alloc(3_000_000, 'content ');
const IMAGE = busyboxImage({layers: [buildTar([{path: 'content', content: CONTENT}])], compression: ['gzip', 'none']});

const print = (line: object) => void process.stdout.write(`${JSON.stringify(line)}\n`);

await using registry = await startRegistry();
registry.put('app', '1', busyboxImage());
registry.put('app', '2', IMAGE);
async function cutWinch(): Promise<void> {
  const random = createRandom(seed);
  await using rig = await openPowerCutRig({registry, references: ['app:1', 'app:2']});
  for (const command of CUT_COMMANDS) {
    const wholeMs = await rig.time(command);
    const rounds = roundsOf(CUT_COMMANDS.indexOf(command));
    let [survivedAfter, survivedDuring, done] = [0, 0, 0];
    for (let round = 0; round < rounds; round += 1) {
      survivedAfter += await survives({command, round, afterMs: null}, async () => void (await rig.cut(null, command)));
      const afterMs = random.next() * AFTER * wholeMs;
      survivedDuring += await survives({command, round, afterMs}, async () => {
        if (await rig.cut(afterMs, command)) done += 1;
      });
    }
    const result = {afterExit: `${survivedAfter}/${rounds}`, atRandom: `${survivedDuring}/${rounds}`, done};
    print({who: `winch ${command}`, seed, wholeMs: Math.round(wholeMs), ...result});
  }
}

/** All cuts, shared out among the commands. */
const roundsOf = (index: number): number =>
  Math.floor(cuts / CUT_COMMANDS.length) + (index < cuts % CUT_COMMANDS.length ? 1 : 0);

async function survives(round: object, cut: () => Promise<void>): Promise<number> {
  try {
    await cut();
    return 1;
  } catch (error) {
    print({...round, error: String(error)});
    process.exitCode = 1;
    return 0;
  }
}

interface CutPeer {
  readonly name: string;
  readonly words: readonly string[];
  /** Command lines with the directory of the disk as the peer sees it. */
  readonly pull: (directory: string) => readonly string[];
  /** Succeeds when the whole image is there. */
  readonly check: (directory: string) => readonly string[];
}

function skopeo(): CutPeer {
  const words = wordsOf('skopeo');
  const copy = (source: string, target: string, ...rest: readonly string[]) => ['copy', '-q', ...rest, source, target];
  return {
    name: 'skopeo copy to oci:',
    words,
    pull: (directory) => copy(`docker://${registry.host}/app:2`, `oci:${directory}/layout:1`, '--src-tls-verify=false'),
    check: (directory) => copy(`oci:${directory}/layout:1`, `oci:${directory}/checked:1`),
  };
}

function podman(): CutPeer {
  const words = wordsOf('podman');
  const at = (directory: string) => [
    '--root',
    `${directory}/root`,
    '--runroot',
    `${directory}/run`,
    '--runtime',
    'runc',
  ];
  const reference = `${registry.host}/app:2`;
  const run = ['run', '--rm', '--network', 'none', '--ulimit', 'host', '--pull', 'never', reference];
  const compare = [
    'sh',
    '-c',
    `test $(wc -c < /content) = ${CONTENT.length} && ! tr -d 'content ' < /content | grep .`,
  ];
  return {
    name: 'podman pull',
    words,
    pull: (directory) => [...at(directory), 'pull', '-q', '--tls-verify=false', reference],
    check: (directory) => [...at(directory), ...run, ...compare],
  };
}

/** As for `npm run bench`: BENCH_PODMAN='chroot DIR podman'. */
const wordsOf = (name: string): readonly string[] => (process.env[`BENCH_${name.toUpperCase()}`] ?? name).split(' ');

async function cutPeer(peer: CutPeer): Promise<void> {
  const [name, version] = [peer.name, (await runProgram(...split([...peer.words, '--version']))).stdout.trim()];
  // What the check says means something only when it passes without a cut.
  const control = await pullOnDisk(peer, {isCut: false});
  if (control !== null) return print({who: name, version, absent: control});
  let [survived, said] = [0, ''];
  for (let round = 0; round < peerCuts; round += 1) {
    const problem = await pullOnDisk(peer, {isCut: true});
    if (problem === null) survived += 1;
    else said = problem;
  }
  print({who: name, version, afterExit: `${survived}/${peerCuts}`, ...(said !== '' && {said})});
}

/** @returns what is wrong with the image after the disk has been mounted again; null: nothing */
async function pullOnDisk({words, pull, check}: CutPeer, {isCut}: {readonly isCut: boolean}): Promise<string | null> {
  const root = words[0] === 'chroot' ? (words[1] ?? '') : '';
  const directory = await mkdtemp(join(root, '/var/tmp/power-cut-'));
  try {
    await using disk = await openLoopDisk(directory, PEER_DISK_MEBIBYTES);
    const inside = disk.path.slice(root.length);
    for (const line of [pull(inside), null, check(inside)]) {
      if (line === null) {
        if (isCut) disk.cutPower();
        await disk.restart();
        continue;
      }
      const {exitCode, stderr} = await runProgram(...split([...disk.within, ...words, ...line]));
      if (exitCode !== 0) return stderr.trim().split('\n').at(-1) ?? '';
    }
    return null;
  } finally {
    // What podman leaves behind to clean up after a container may still be writing.
    await rm(directory, {recursive: true, force: true, maxRetries: 10, retryDelay: 100});
  }
}

const split = ([file = '', ...rest]: readonly string[]): [string, readonly string[]] => [file, rest];

if (cuts > 0) await cutWinch();
if (peerCuts > 0) for (const peer of [skopeo(), podman()]) await cutPeer(peer);
