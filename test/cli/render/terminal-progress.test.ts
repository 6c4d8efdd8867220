import {once} from 'node:events';
import {PassThrough} from 'node:stream';
import {setTimeout as sleep} from 'node:timers/promises';
import {stripVTControlCharacters} from 'node:util';
import * as assert from 'uvu/assert';
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

  test('draws a bar for each layer on its way and one for all', async () => {
    const screen = createScreen();
    const progress = createTerminalProgress(screen.stream, {delayMs: 0});
    progress.onEvent(resolved);
    progress.onEvent({type: 'blob:started', digest: DIGESTS.layer, totalBytes: 3000});
    progress.onEvent({type: 'blob:received', digest: DIGESTS.layer, receivedBytes: 1500, totalBytes: 3000});
    await waitFor(screen, /total {9}\[={10} {10}\] {2}0\/1 layers {2}1\.5kB\/3kB {2}0B\/s/);
    await waitFor(screen, /444444444444 {2}\[={10} {10}\] {2}1\.5kB\/3kB/);
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
