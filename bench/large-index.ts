// node bench/large-index.ts [--entries N] [--in-one-directory]
//
// Writes one layer file whose tar has very many empty files, and prints a JSON line: how long it took, its processor
// time and that of making and hashing the tar alone (which is part of it), and the most memory that the process had.
// The tar is made as it is read, so neither it nor a list of names is in memory.
//
//   --entries           how many; default 1000000
//   --in-one-directory  all of them in one directory; absent: 1000 in each
import {createHash} from 'node:crypto';
import {mkdtemp, rm} from 'node:fs/promises';
import {tmpdir} from 'node:os';
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

async function* tarOfEmptyFiles(): AsyncGenerator<Buffer> {
  for (let first = 0; first < entries; first += HEADERS_AT_ONCE) {
    const count = Math.min(HEADERS_AT_ONCE, entries - first);
    yield Buffer.concat(Array.from({length: count}, (_, at) => header(first + at)));
  }
  yield TRAILER;
}

const header = (index: number): Buffer => {
  const directory = values['in-one-directory'] ? 0 : Math.floor(index / FILES_IN_DIRECTORY);
  return encodeTarHeader({path: `directory-${directory}/file-${index}`, type: 'file', permissions: 0o644});
};

const cpuSecondsSince = (before: NodeJS.CpuUsage): number => {
  const {user, system} = process.cpuUsage(before);
  return (user + system) / 1e6;
};

const hash = createHash('sha256');
let started = process.cpuUsage();
for await (const piece of tarOfEmptyFiles()) hash.update(piece);
const sourceSeconds = cpuSecondsSince(started);
const directory = await mkdtemp(join(tmpdir(), 'winch-large-'));
try {
  started = process.cpuUsage();
  const begun = performance.now();
  const options = {expectedDiffId: `sha256:${hash.digest('hex')}`, durability: 'fast'} as const;
  const {fileBytes} = await writeLayerFile(tarOfEmptyFiles(), join(directory, 'layer'), options);
  const seconds = (performance.now() - begun) / 1000;
  const cpuSeconds = cpuSecondsSince(started);
  const peakMebibytes = Math.round(process.resourceUsage().maxRSS / 1024);
  process.stdout.write(`${JSON.stringify({entries, seconds, cpuSeconds, sourceSeconds, peakMebibytes, fileBytes})}\n`);
} finally {
  await rm(directory, {recursive: true});
}
