import {once} from 'node:events';
import {PassThrough} from 'node:stream';
import {setTimeout as sleep} from 'node:timers/promises';
import {stripVTControlCharacters} from 'node:util';
import * as assert from 'uvu/assert';
import {totalLine, transferLine} from '../../../src/cli/render/progress-lines.ts';
import {createTerminalProgress} from '../../../src/cli/render/terminal-progress.ts';
import {describe} from '../../helpers/suite.ts';
import {DIGESTS} from '../samples.ts';

const reference = 'alpine:3.20';
const layers = [{digest: DIGESTS.layer, size: 3000}];
const resolved = {
  type: 'manifest:resolved',
  reference,
  digest: DIGESTS.index,
  platform: 'linux/amd64',
  layers,
} as const;
const stored = {type: 'image:stored', reference, digest: DIGESTS.index, changed: true, receivedBytes: 3000} as const;

/** As much of a terminal as the drawing needs; what it was sent is in `text`. */
function createScreen(rows = 24) {
  const stream = Object.assign(new PassThrough(), {
    isTTY: true,
    columns: 80,
    rows,
    cursorTo: () => true,
    moveCursor: () => true,
    clearLine: () => true,
    clearScreenDown: () => true,
    getColorDepth: () => 1,
    hasColors: () => false,
  });
  const screen = {stream, text: ''};
  stream.on('data', (chunk) => {
    screen.text += chunk;
  });
  return screen;
}

async function waitFor(screen: {readonly stream: PassThrough; readonly text: string}, pattern: RegExp): Promise<void> {
  while (!pattern.test(stripVTControlCharacters(screen.text))) await once(screen.stream, 'data');
}

describe('cli/render/terminal-progress', ({test}) => {
  test('draws nothing for what ends soon', async () => {
    const screen = createScreen();
    const progress = createTerminalProgress(screen.stream, {delayMs: 50});
    progress.onEvent({type: 'reference:resolving', reference});
    progress.onEvent(resolved);
    progress.onEvent(stored);
    await sleep(80);
    assert.is(screen.text, 'alpine:3.20: stored, received 3kB\n');
  });

  test('spins while a reference is looked up, without touching cursor or modes', async () => {
    const screen = createScreen();
    const progress = createTerminalProgress(screen.stream, {delayMs: 0});
    progress.onEvent({type: 'reference:resolving', reference});
    await waitFor(screen, /looking for alpine:3\.20/);
    progress.stop();
    assert.not.match(screen.text, /\x1b\[\?(25|7)/);
  });

  test('spins again while what was copied is packed', async () => {
    const screen = createScreen();
    const progress = createTerminalProgress(screen.stream, {delayMs: 0});
    progress.onEvent({type: 'upload:started', digest: DIGESTS.layer, totalBytes: 3000});
    await waitFor(screen, /444444444444/);
    progress.onEvent({type: 'upload:finished', digest: DIGESTS.layer, size: 3000, outcome: 'uploaded'});
    progress.onEvent({type: 'archive:packing', archive: 'a.tar', packedBytes: 1000, totalBytes: 3000});
    await waitFor(screen, /packing 1kB of 3kB: a\.tar/);
    progress.stop();
  });

  test('draws a bar for each layer on its way and one for all', async () => {
    const screen = createScreen();
    let time = 0;
    const progress = createTerminalProgress(screen.stream, {delayMs: 0, now: () => time});
    progress.onEvent(resolved);
    progress.onEvent({type: 'blob:started', digest: DIGESTS.layer, totalBytes: 3000});
    time = 1000;
    progress.onEvent({type: 'blob:received', digest: DIGESTS.layer, receivedBytes: 1500, totalBytes: 3000});
    await waitFor(screen, /total {9}\[={8} {8}\] {2}0\/1 layers {2}1\.5kB\/3kB {2}1\.5kB\/s {2}1s/);
    await waitFor(screen, /444444444444 {2}\[={8} {8}\] {2}1\.5kB\/3kB {2}1\.5kB\/s {2}1s/);
    progress.onEvent(stored);
    await waitFor(screen, /alpine:3\.20: stored, received 3kB\n$/);
    progress.stop();
    assert.not.match(screen.text, /\x1b\[\?(25|7)/);
  });

  test('does not outgrow a low terminal', async () => {
    const screen = createScreen(5);
    const progress = createTerminalProgress(screen.stream, {delayMs: 0});
    for (let index = 0; index < 9; index++) {
      progress.onEvent({type: 'blob:started', digest: `sha256:${String(index).repeat(64)}`, totalBytes: 10});
    }
    await waitFor(screen, /1111/);
    progress.stop();
    assert.not.match(screen.text, '2222');
  });

  test('draws uploads, and says whose download it waits for', async () => {
    const screen = createScreen();
    const progress = createTerminalProgress(screen.stream, {delayMs: 0});
    progress.onEvent(resolved);
    progress.onEvent({type: 'blob:waiting', digest: DIGESTS.layer});
    progress.onEvent({type: 'upload:started', digest: DIGESTS.config, totalBytes: 500});
    await waitFor(screen, /444444444444 .* 0B\/3kB {2}0B\/s {2}another's/);
    await waitFor(screen, /333333333333 .* 0B\/500B {2}0B\/s {2}up/);
    progress.stop();
  });

  test('leaves one line for the pauses of a host, and draws on', async () => {
    const screen = createScreen();
    const progress = createTerminalProgress(screen.stream, {delayMs: 0});
    progress.onEvent({type: 'blob:started', digest: DIGESTS.layer, totalBytes: 3000});
    await waitFor(screen, /444444444444/);
    const pause = {type: 'host:paused', host: 'registry.example', reason: '429', delayMs: 3000} as const;
    progress.onEvent(pause);
    await waitFor(
      screen,
      /registry\.example asks for a pause of 3s \(429\): waiting, now and whenever it asks again\n/,
    );
    screen.text = '';
    progress.onEvent(pause);
    progress.onEvent({type: 'blob:received', digest: DIGESTS.layer, receivedBytes: 10, totalBytes: 3000});
    await waitFor(screen, /444444444444/);
    progress.stop();
    assert.not.match(screen.text, 'asks for a pause');
  });

  test('N02 no width and no storm of resizes breaks a line, an escape sequence or the summary', async () => {
    const screen = createScreen();
    let time = 0;
    const progress = createTerminalProgress(screen.stream, {delayMs: 0, now: () => time});
    progress.onEvent({type: 'reference:resolving', reference: 'r'.repeat(300)});
    await waitFor(screen, /looking for r/);
    const widths = [1, 0, 10_000, 40, 3, 80];
    let resizes = 0;
    const storm = setInterval(() => {
      Object.assign(screen.stream, {columns: widths[resizes++ % widths.length], rows: resizes % 7});
      screen.stream.emit('resize');
    }, 10);
    try {
      progress.onEvent(resolved);
      progress.onEvent({type: 'blob:started', digest: DIGESTS.layer, totalBytes: 3000});
      for (let bytes = 0; bytes < 30; bytes++) {
        time += 100;
        progress.onEvent({type: 'blob:received', digest: DIGESTS.layer, receivedBytes: bytes * 100, totalBytes: 3000});
        await sleep(20);
      }
    } finally {
      clearInterval(storm);
      progress.onEvent(stored);
      progress.stop();
    }
    assert.ok(resizes > widths.length, `${resizes} resizes`);
    const text = screen.text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, '');
    assert.not.match(text, /[^\P{Cc}\n\r]/u);
    assert.ok(text.endsWith('alpine:3.20: stored, received 3kB\n'), JSON.stringify(text.slice(-100)));
  });

  test('N02 lines fit any width', () => {
    const pace = {rate: 123e6, etaSeconds: 100_000};
    const amount = {blobs: 500, finished: 499, movedBytes: 123e12, bytes: 456e12};
    const transfer = {
      digest: DIGESTS.layer,
      direction: 'upload',
      movedBytes: 1,
      totalBytes: 0,
      isFollowed: false,
    } as const;
    for (const columns of [0, 1, 2, 12, 13, 20, 40, 60, 79, 80, 81, 100, 10_000]) {
      for (const line of [
        totalLine({downloads: amount, uploads: amount, ...pace}, columns),
        transferLine({...transfer, ...pace}, columns),
      ]) {
        assert.ok(line.length <= Math.max(0, columns - 1), `${columns}: ${line}`);
      }
    }
    assert.is(transferLine({...transfer, ...pace}, 10_000).length < 100, true);
  });

  test('lets a warning through and escapes it', async () => {
    const screen = createScreen();
    const progress = createTerminalProgress(screen.stream, {delayMs: 0});
    progress.onEvent({type: 'warning:raised', code: 'OLD', message: '\x1b[2J'});
    await waitFor(screen, /^warning: OLD: \\x1b\[2J\n$/);
    progress.stop();
  });

  test('leaves the terminal to a container that has started', async () => {
    const screen = createScreen();
    const progress = createTerminalProgress(screen.stream, {delayMs: 20});
    progress.onEvent({type: 'reference:resolving', reference});
    progress.onEvent({type: 'container:started', id: 'a'});
    await sleep(60);
    assert.is(screen.text, '');
  });
});
