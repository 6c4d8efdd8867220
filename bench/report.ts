import type {Goal} from './goals.ts';
import type {Comparison, Measurement} from './measure.ts';

/** The machine and the tools that figures belong to. */
export interface ReportHead {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly runs: number;
  readonly peers: readonly {readonly name: string; readonly version: string; readonly note?: string}[];
  readonly absent: readonly {readonly name: string; readonly reason: string}[];
}

/** One comparison of a report. */
export interface ReportSection extends Comparison {
  readonly scenario: string;
  readonly title: string;
  /** null where no image takes part. */
  readonly image: string | null;
  readonly goals: readonly Goal[];
}

const COLUMNS = ['median s', 'min', 'max', 'ratio'] as const;
const PEAK_COLUMN = 'peak MB';
const NAME_WIDTH = 12;
const COLUMN_WIDTH = 10;
const REASON_CHARACTERS = 160;

/** Everything as one JSON document; times in milliseconds. */
export function renderJson(head: ReportHead, sections: readonly ReportSection[]): string {
  return `${JSON.stringify({...head, sections}, null, 2)}\n`;
}

/** Who takes part, who does not and why. */
export function renderHead({machine, runs, peers, absent}: ReportHead): string {
  const facts = Object.entries(machine).map(([key, value]) => `${key} ${value}`);
  return lines([
    [...facts, `${runs} runs each`].join(' · '),
    'ratio: median by the median of the first row; peak: memory of the whole process tree',
    ...peers.map(({name, version, note}) => `${name.padEnd(NAME_WIDTH)}${version}${note ? ` (${note})` : ''}`),
    ...absent.map(({name, reason}) => `${name.padEnd(NAME_WIDTH)}takes no part: ${shorten(reason)}`),
  ]);
}

/** One comparison as a table: seconds, ratios of medians to the first row. */
export function renderSection({title, image, measurements, failures, goals}: ReportSection): string {
  const isPeakKnown = measurements.some(({peakBytes}) => peakBytes !== undefined);
  const columns = isPeakKnown ? [...COLUMNS, PEAK_COLUMN] : COLUMNS;
  const heading = image === null ? title : `${title} · ${image}`;
  return lines([
    '',
    heading,
    ' '.repeat(NAME_WIDTH) + columns.map((column) => column.padStart(COLUMN_WIDTH)).join(''),
    ...measurements.map(renderMeasurement),
    ...failures.map(({name, reason}) => `${name.padEnd(NAME_WIDTH)}failed: ${shorten(reason)}`),
    ...goals.map(renderGoal),
  ]);
}

function renderGoal({name, value, wanted, isReached}: Goal): string {
  const [found, goal] = [value, wanted].map((number) => (number < 100 ? number.toFixed(2) : number.toFixed(0)));
  return `${'goal'.padEnd(NAME_WIDTH)}${found} ${name} (${goal}): ${isReached ? 'reached' : 'missed'}`;
}

function renderMeasurement({name, median, min, max, ratio, peakBytes}: Measurement): string {
  const seconds = [median, min, max].map((milliseconds) => (milliseconds / 1000).toFixed(3));
  const peak = peakBytes === undefined ? '' : (peakBytes / 1e6).toFixed(0);
  const cells = [...seconds, ratio.toFixed(2), peak].map((cell) => cell.padStart(COLUMN_WIDTH));
  return `${name.padEnd(NAME_WIDTH)}${cells.join('')}`.trimEnd();
}

/** The end of a message is where the cause stands. */
const shorten = (reason: string): string =>
  reason.length > REASON_CHARACTERS ? `…${reason.slice(-REASON_CHARACTERS)}` : reason;

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');
