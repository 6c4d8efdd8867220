import type {SingleBar} from 'cli-progress';
import type {Ora} from 'ora';
import {describeEvent, handsOver, isLasting} from './describe-event.ts';
import type {Terminal} from './output.ts';
import type {Progress} from './progress.ts';
import {totalLine, transferLine} from './progress-lines.ts';
import {createProgressModel, type ProgressModel} from './progress-model.ts';
import {safeText} from './safe-text.ts';
import {tellPausesOnce} from './tell-pauses-once.ts';

// What ends sooner than this draws nothing and loads nothing: ora alone takes 60 ms.
const DELAY_MS = 300;
const INTERVAL_MS = 100;
const MOST_BARS = 8;
/** The spinner, a blank, and the last column, which stays empty. */
const SPINNER_COLUMNS = 3;
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

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
 * Draws a spinner while a reference is looked up, then one bar for each blob on its way and one for all of them.
 *
 * Erases itself; what stays is one line for each image, paused host, retry and warning. Neither the cursor nor the
 * terminal's modes are changed, so a killed winch leaves nothing to repair.
 */
export function createTerminalProgress(stream: Terminal, options: TerminalProgressOptions = {}): Progress {
  const model = createProgressModel(options.now);
  let current: {stop(): void} | null = null;

  const stop = () => {
    current?.stop();
    current = null;
  };
  return {
    onEvent: tellPausesOnce((event) => {
      if (handsOver(event)) return stop();
      model.apply(event);
      if (!isLasting(event)) {
        current ??= startDrawing(stream, model, options);
        return;
      }
      stop();
      stream.write(`${describeEvent(event)}\n`);
    }),
    stop,
  };
}

function startDrawing(
  stream: Terminal,
  model: ProgressModel,
  {hasColor = false, delayMs = DELAY_MS}: TerminalProgressOptions,
): {stop(): void} {
  let drawing: Drawing | null = null;
  let timer: NodeJS.Timeout;
  let isStopped = false;
  const tick = async () => {
    const kind = model.transfers().length > 0 ? 'bars' : model.isCounting() ? 'spinner' : (drawing?.kind ?? 'spinner');
    if (drawing?.kind !== kind) {
      const next = kind === 'bars' ? await loadBars(stream) : await loadSpinner(stream, hasColor);
      if (isStopped) return next.erase();
      drawing?.erase();
      drawing = next;
    }
    drawing.draw(model);
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
      spinner.text = safeText(model.activity() ?? '').slice(0, Math.max(0, columnsOf(stream) - SPINNER_COLUMNS));
      if (!spinner.isSpinning) spinner.start();
    },
    erase: () => void spinner.stop(),
  };
}

// Bars are slots that blobs take in turn, so an image of a hundred layers does not outgrow the terminal.
async function loadBars(stream: Terminal): Promise<Drawing> {
  const {default: progress} = await import('cli-progress');
  const bars = new progress.MultiBar({
    stream,
    format: (_, __, payload: {line(): string}) => payload.line(),
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
      const room = Math.max(1, (stream.rows || DEFAULT_ROWS) - 3);
      const transfers = model.transfers().slice(0, Math.min(MOST_BARS, room));
      while (slots.length < transfers.length) slots.push(bars.create(1, 0, {line: () => ''}));
      total.update({line: () => totalLine(model.total(), columnsOf(stream))});
      slots.forEach((slot, index) => {
        const transfer = transfers[index];
        slot.update({line: () => (transfer ? transferLine(transfer, columnsOf(stream)) : '')});
      });
    },
    erase: () => bars.stop(),
  };
}

// A terminal that does not know its size says 0.
const columnsOf = (stream: Terminal): number => stream.columns || DEFAULT_COLUMNS;
