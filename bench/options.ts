import {homedir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {IMAGE_NAMES, type ImageName, USUAL_IMAGES} from './images/recipes.ts';
import {PEERS} from './peers/probe.ts';
import {SCENARIOS} from './scenarios/catalogue.ts';

export interface BenchOptions {
  readonly runs: number;
  readonly scenarios: readonly string[];
  readonly images: readonly ImageName[];
  readonly peers: readonly string[];
  readonly format: 'table' | 'json';
  /** Where built images stay for the next time. */
  readonly cache: string;
  /** Where a directory for the stores of this run is made; a disk, since disks are part of what is measured. */
  readonly stores: string;
}

/** Options that cannot be followed; the message says which. */
export class UsageError extends Error {}

const SCENARIO_NAMES = SCENARIOS.map(({name}) => name);
const PEER_NAMES = PEERS.map(({name}) => name);

/** What `--help` prints. */
export const USAGE = `npm run bench -- [options]

  --runs N           timed runs of each contender, after one warm-up (5)
  --only NAMES       of ${SCENARIO_NAMES.join(',')}
  --images NAMES     of ${IMAGE_NAMES.join(',')} (${USUAL_IMAGES.join(',')})
  --peers NAMES      of ${PEER_NAMES.join(',')}
  --format FORMAT    table or json (table)
  --cache DIR        keeps built images (~/.cache/winch-bench)
  --stores DIR       holds the stores while it runs (/var/tmp)

BENCH_PODMAN='chroot DIR podman', BENCH_WINCH and so on say how to start a peer.
`;

/**
 * Reads the command line.
 *
 * @returns null when only help is wanted.
 * @throws {UsageError}
 */
export function parseOptions(args: readonly string[], environment: NodeJS.ProcessEnv): BenchOptions | null {
  const values = parse(args);
  if (values.help) return null;
  return {
    runs: parseRuns(values.runs),
    scenarios: parseNames('--only', values.only, SCENARIO_NAMES),
    images: values.images === undefined ? USUAL_IMAGES : parseNames('--images', values.images, IMAGE_NAMES),
    peers: parseNames('--peers', values.peers, PEER_NAMES),
    format: parseNames('--format', values.format, ['table', 'json'])[0] ?? 'table',
    cache: values.cache ?? join(environment.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'winch-bench'),
    stores: values.stores,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        runs: {type: 'string', default: '5'},
        only: {type: 'string'},
        images: {type: 'string'},
        peers: {type: 'string'},
        format: {type: 'string'},
        cache: {type: 'string'},
        stores: {type: 'string', default: '/var/tmp'},
        help: {type: 'boolean', short: 'h', default: false},
      },
    }).values;
  } catch (error) {
    if (error instanceof TypeError && 'code' in error) throw new UsageError(error.message);
    throw error;
  }
}

function parseRuns(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new UsageError(`--runs wants a number from 1 to 9999, not ${text}`);
}

function parseNames<Name extends string>(flag: string, text: string | undefined, known: readonly Name[]) {
  if (text === undefined) return known;
  const names = text.split(',');
  const unknown = names.find((name) => !known.some((other) => other === name));
  if (unknown !== undefined) throw new UsageError(`${flag} knows ${known.join(', ')}, not ${unknown}`);
  return known.filter((name) => names.includes(name));
}
