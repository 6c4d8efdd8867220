// node bench/large-index.ts [--entries N] [--in-one-directory]
//
// Writes one layer file whose tar has very many empty files, and prints a JSON line: how long that took and its
// processor time, apart from those of making the tar, which is made as it is read, so that neither it nor a list of
// names is in memory; the most memory that the process had, and the machine's load.
//
//   --entries           how many; default 1000000
//   --in-one-directory  all of them in one directory; absent: 1000 in each
import {createHash} from 'node:crypto';
import {mkdtemp, rm} from 'node:fs/promises';
import {loadavg, tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {encodeTarHeader} from '../src/layers/tar-encoding.ts';
import {writeLayerFile} from '../src/layers/write-layer.ts';

const FILES_IN_DIRECTORY = 1000;
const HEADERS_AT_ONCE = 2000;
const TRAILER = Buffer.alloc(1024);

const {values} = parseArgs({
  options: {
    entries: {type: 'string', default: '1000000'},
    'in-one-directory': {type: 'boolean', default: false},
  },
});
const entries = Number(values.entries);

interface Effort {
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Starts to measure, and tells what has been spent since. */
function startEffort(): () => Effort {
  const [start, startCpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const {user, system} = process.cpuUsage(startCpu);
    return {seconds: (performance.now() - start) / 1000, cpuSeconds: (user + system) / 1e6};
  };
}

/** A piece is made in one go: what is spent meanwhile is the tar's, but for what other threads still do. */
async function* tarOfEmptyFiles(onMade: (effort: Effort) => void): AsyncGenerator<Buffer> {
  for (let first = 0; first < entries; first += HEADERS_AT_ONCE) {
    const count = Math.min(HEADERS_AT_ONCE, entries - first);
    const effort = startEffort();
    const piece = Buffer.concat(Array.from({length: count}, (_, at) => header(first + at)));
    onMade(effort());
    yield piece;
  }
  yield TRAILER;
}

const header = (index: number): Buffer => {
  const directory = values['in-one-directory'] ? 0 : Math.floor(index / FILES_IN_DIRECTORY);
  return encodeTarHeader({path: `directory-${directory}/file-${index}`, type: 'file', permissions: 0o644});
};

const hash = createHash('sha256');
for await (const piece of tarOfEmptyFiles(() => {})) hash.update(piece);
const directory = await mkdtemp(join(tmpdir(), 'winch-large-'));
try {
  const making = {seconds: 0, cpuSeconds: 0};
  const tar = tarOfEmptyFiles(({seconds, cpuSeconds}) => {
    making.seconds += seconds;
    making.cpuSeconds += cpuSeconds;
  });
  const options = {expectedDiffId: `sha256:${hash.digest('hex')}`, durability: 'fast'} as const;
  const effort = startEffort();
  const {fileBytes} = await writeLayerFile(tar, join(directory, 'layer'), options);
  const {seconds, cpuSeconds} = effort();
  const building = {seconds: seconds - making.seconds, cpuSeconds: cpuSeconds - making.cpuSeconds};
  const peakMebibytes = Math.round(process.resourceUsage().maxRSS / 1024);
  const report = {entries, making, building, peakMebibytes, fileBytes, load: loadavg()[0]};
  process.stdout.write(`${JSON.stringify(report)}\n`);
} finally {
  await rm(directory, {recursive: true});
}
