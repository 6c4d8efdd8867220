import {humanBytes, humanDuration, shortDigest} from './human.ts';
import type {Amount, Pace, Total, Transfer} from './progress-model.ts';

const LABEL_COLUMNS = 12;
const LONGEST_BAR = 30;
const SHORTEST_BAR = 5;
/** Of a line, beside label, bar and text. */
const FRAME_COLUMNS = 6;
/** What label, frame and the longest text take: bars of one width stand below each other. */
const TEXT_COLUMNS = 64;

/** All transfers on one line of at most so many columns. */
export function totalLine({downloads, uploads, ...pace}: Total, columns: number): string {
  const moved = downloads.movedBytes + uploads.movedBytes;
  const bytes = downloads.bytes + uploads.bytes;
  const parts = [
    ...(downloads.blobs > 0 || uploads.blobs === 0 ? [amountText(downloads, 'layers')] : []),
    ...(uploads.blobs > 0 ? [amountText(uploads, 'sent')] : []),
  ];
  return barLine({label: 'total', share: shareOf(moved, bytes), tail: [...parts, ...paceText(pace)], columns});
}

/** One transfer on one line of at most so many columns. */
export function transferLine(transfer: Transfer, columns: number): string {
  const {digest, direction, movedBytes, totalBytes, isFollowed} = transfer;
  const bytes = `${humanBytes(movedBytes)}/${humanBytes(totalBytes)}`;
  const kind = isFollowed ? ["another's"] : direction === 'upload' ? ['up'] : [];
  const tail = [bytes, ...paceText(transfer), ...kind];
  return barLine({label: shortDigest(digest), share: shareOf(movedBytes, totalBytes), tail, columns});
}

/** What a log without bars is told now and then. */
export function heartbeatLine({downloads, uploads, rate, etaSeconds}: Total): string {
  const parts = [
    ...(downloads.blobs > 0 ? [describeAmount(downloads, 'received')] : []),
    ...(uploads.blobs > 0 ? [describeAmount(uploads, 'sent')] : []),
  ];
  const left = etaSeconds === null ? '' : `, ${humanDuration(Math.ceil(etaSeconds))} left`;
  return `progress: ${parts.join(', ')}, ${rateText(rate)}${left}`;
}

const describeAmount = ({blobs, finished, movedBytes, bytes}: Amount, verb: string): string =>
  `${verb} ${humanBytes(movedBytes)} of ${humanBytes(bytes)}, ${finished} of ${blobs} blobs done`;

const amountText = ({blobs, finished, movedBytes, bytes}: Amount, noun: string): string =>
  `${finished}/${blobs} ${noun}  ${humanBytes(movedBytes)}/${humanBytes(bytes)}`;

const paceText = ({rate, etaSeconds}: Pace): readonly string[] => [
  rateText(rate),
  ...(etaSeconds === null ? [] : [humanDuration(Math.ceil(etaSeconds))]),
];

const rateText = (rate: number): string => `${humanBytes(Math.round(rate))}/s`;

const shareOf = (part: number, whole: number): number => (whole <= 0 ? 0 : Math.min(1, Math.max(0, part / whole)));

interface BarParts {
  readonly label: string;
  readonly share: number;
  readonly tail: readonly string[];
  readonly columns: number;
}

/** The bar takes what the text leaves over; without room for one there is text alone, cut at the edge. */
function barLine({label, share, tail, columns}: BarParts): string {
  const text = tail.join('  ');
  const room = Math.min(LONGEST_BAR, columns - TEXT_COLUMNS, columns - LABEL_COLUMNS - FRAME_COLUMNS - text.length - 1);
  const size = room < SHORTEST_BAR ? 0 : room;
  const filled = Math.round(share * size);
  const bar = size === 0 ? '' : `  [${'='.repeat(filled)}${' '.repeat(size - filled)}]`;
  // A line that fills the last column wraps on some terminals.
  return `${label.padEnd(LABEL_COLUMNS)}${bar}  ${text}`.slice(0, Math.max(0, columns - 1));
}
