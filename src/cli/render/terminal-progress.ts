import type {SingleBar} from 'cli-progress';
import type {Ora} from 'ora';
import {describeEvent} from './describe-event.ts';
import {humanBytes, shortDigest} from './human.ts';
import type {Terminal} from './output.ts';
import type {Progress} from './progress.ts';
import {createProgressModel, type ProgressModel, type Transfer} from './progress-model.ts';
import {safeText} from './safe-text.ts';

// What ends sooner than this draws nothing and loads nothing: ora alone takes 60 ms.
const DELAY_MS = 300;
const INTERVAL_MS = 100;
const MOST_BARS = 8;

export interface TerminalProgressOptions {
  readonly hasColor?: boolean;
  readonly delayMs?: number;
  readonly now?: () => number;
}

interface Drawing {
  readonly kind: 'spinner' | 'bars';
  draw(model: ProgressModel): void;
  erase(): void;
}

/**
 * Draws a spinner while a reference is looked up, then one bar for each layer on its way and one for all of them.
 *
 * Erases itself; what stays is one line for each image and warning. Neither the cursor nor the terminal's modes are
 * changed, so a killed winch leaves nothing to repair.
 */
export function createTerminalProgress(stream: Terminal, options: TerminalProgressOptions = {}): Progress {
  let model = createProgressModel(options.now);
  let current: {stop(): void} | null = null;

  const erase = () => {
    current?.stop();
    current = null;
  };
  const stop = () => {
    erase();
    model = createProgressModel(options.now);
  };
  return {
    onEvent: (event) => {
      if (event.type === 'container:started' || event.type === 'container:exited') return stop();
      model.apply(event);
      if (event.type !== 'image:stored' && event.type !== 'warning:raised') {
        current ??= startDrawing(stream, () => model, options);
        return;
      }
      erase();
      stream.write(`${describeEvent(event)}\n`);
    },
    stop,
  };
}

function startDrawing(
  stream: Terminal,
  model: () => ProgressModel,
  {hasColor = false, delayMs = DELAY_MS}: TerminalProgressOptions,
): {stop(): void} {
  let drawing: Drawing | null = null;
  let timer: NodeJS.Timeout;
  let isStopped = false;
  const tick = async () => {
    const hasTransfers = model().transfers().length > 0;
    if (drawing === null || (hasTransfers && drawing.kind === 'spinner')) {
      const next = hasTransfers ? await loadBars(stream) : await loadSpinner(stream, hasColor);
      if (isStopped) return next.erase();
      drawing?.erase();
      drawing = next;
    }
    drawing.draw(model());
    timer = setTimeout(tick, INTERVAL_MS);
  };
  timer = setTimeout(tick, delayMs);
  return {
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
      drawing?.erase();
    },
  };
}

async function loadSpinner(stream: Terminal, hasColor: boolean): Promise<Drawing> {
  const {default: ora} = await import('ora');
  // Standard input belongs to the container; the mode is decided already, so ora need not look at the environment.
  const color = hasColor ? 'cyan' : false;
  const spinner: Ora = ora({stream, color, discardStdin: false, hideCursor: false, isEnabled: true});
  return {
    kind: 'spinner',
    draw: (model) => {
      spinner.text = safeText(model.activity() ?? '');
      if (!spinner.isSpinning) spinner.start();
    },
    erase: () => void spinner.stop(),
  };
}

// Bars are slots that layers take in turn, so an image of a hundred layers does not outgrow the terminal.
async function loadBars(stream: Terminal): Promise<Drawing> {
  const {default: progress} = await import('cli-progress');
  const bars = new progress.MultiBar({
    stream,
    format: (_, params, payload: {line(columns: number): string}) => payload.line(params.maxWidth),
    clearOnComplete: true,
    hideCursor: false,
    linewrap: true,
    gracefulExit: false,
  });
  const slots: SingleBar[] = [];
  const total = bars.create(1, 0, {line: () => ''});
  return {
    kind: 'bars',
    draw: (model) => {
      const transfers = model.transfers().slice(0, Math.min(MOST_BARS, Math.max(1, (stream.rows ?? 24) - 3)));
      while (slots.length < transfers.length) slots.push(bars.create(1, 0, {line: () => ''}));
      total.update({line: (columns: number) => totalLine(model, columns)});
      slots.forEach((slot, index) => {
        const transfer = transfers[index];
        slot.update({line: (columns: number) => (transfer ? transferLine(transfer, columns) : '')});
      });
    },
    erase: () => bars.stop(),
  };
}

function totalLine(model: ProgressModel, columns: number): string {
  const {layers, finished, receivedBytes, bytes} = model.total();
  const tail = `${finished}/${layers} layers  ${humanBytes(receivedBytes)}/${humanBytes(bytes)}`;
  const rate = `${humanBytes(Math.round(model.rate()))}/s`;
  return barLine({label: 'total', share: bytes === 0 ? 0 : receivedBytes / bytes, tail: `${tail}  ${rate}`, columns});
}

function transferLine({digest, receivedBytes, totalBytes}: Transfer, columns: number): string {
  const share = totalBytes === 0 ? 0 : receivedBytes / totalBytes;
  const tail = `${humanBytes(receivedBytes)}/${humanBytes(totalBytes)}`;
  return barLine({label: shortDigest(digest), share, tail, columns});
}

function barLine(parts: {label: string; share: number; tail: string; columns: number}): string {
  const size = Math.max(5, Math.min(30, parts.columns - 60));
  const filled = Math.round(Math.min(1, Math.max(0, parts.share)) * size);
  return `${parts.label.padEnd(12)}  [${'='.repeat(filled)}${' '.repeat(size - filled)}]  ${parts.tail}`;
}
