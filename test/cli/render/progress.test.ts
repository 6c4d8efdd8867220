import {PassThrough} from 'node:stream';
import * as assert from 'uvu/assert';
import type {Terminal} from '../../../src/cli/render/output.ts';
import {chooseProgress, createLineProgress} from '../../../src/cli/render/progress.ts';
import {createProgressModel} from '../../../src/cli/render/progress-model.ts';
import type {WinchEvent} from '../../../src/events.ts';
import {describe} from '../../helpers/suite.ts';
import {DIGESTS} from '../samples.ts';

const digest = DIGESTS.layer;
const reference = 'alpine:3.20';

export const PULL: readonly WinchEvent[] = [
  {type: 'reference:resolving', reference},
  {
    type: 'manifest:resolved',
    reference,
    digest: DIGESTS.index,
    platform: 'linux/amd64',
    layers: [
      {digest: DIGESTS.manifest, size: 1000},
      {digest, size: 3000},
    ],
  },
  {type: 'blob:present', digest: DIGESTS.manifest, size: 1000},
  {type: 'blob:started', digest, totalBytes: 3000},
  {type: 'blob:received', digest, receivedBytes: 1000, totalBytes: 3000},
  {type: 'blob:received', digest, receivedBytes: 3000, totalBytes: 3000},
  {type: 'blob:stored', digest, size: 3000},
  {type: 'layer:indexed', digest, diffId: DIGESTS.config, entries: 80, unpackedBytes: 7_800_000},
  {type: 'image:stored', reference, digest: DIGESTS.index, changed: true, receivedBytes: 3000},
];

const WARNING: WinchEvent = {type: 'warning:raised', code: 'OLD', message: 'evil\x1b[2J\nforged: stored'};

function collect() {
  const lines: string[] = [];
  return {lines, output: {write: (text: string) => lines.push(text)}};
}

describe('cli/render/progress', ({test}) => {
  const terminal: Terminal = Object.assign(new PassThrough(), {columns: 80});
  const choose = (parts: Partial<Parameters<typeof chooseProgress>[0]>) =>
    chooseProgress({flag: undefined, isQuiet: false, terminal, variables: {TERM: 'xterm'}, ...parts});

  test('draws on a terminal that can be drawn on', () => {
    assert.is(choose({}), terminal);
    assert.is(choose({flag: 'auto', variables: {CI: 'false'}}), terminal);
  });

  test('writes lines elsewhere', () => {
    assert.is(choose({terminal: null}), 'plain');
    assert.is(choose({variables: {CI: 'true'}}), 'plain');
    assert.is(choose({variables: {TERM: 'dumb'}}), 'plain');
    assert.is(choose({terminal: Object.assign(new PassThrough(), {columns: 20})}), 'plain');
    assert.is(choose({flag: 'plain'}), 'plain');
  });

  test('is quiet when asked, unless a kind was asked for as well', () => {
    assert.is(choose({isQuiet: true}), 'none');
    assert.is(choose({isQuiet: true, flag: 'json'}), 'json');
    assert.is(choose({flag: 'none'}), 'none');
  });

  test('plain: one line for each finished step', () => {
    const {lines, output} = collect();
    for (const event of PULL) createLineProgress('plain', output).onEvent(event);
    assert.equal(lines, [
      'alpine:3.20: found 111111111111 for linux/amd64, 2 layers, 4kB\n',
      '222222222222: already here\n',
      '444444444444: downloaded 3kB\n',
      '444444444444: indexed 80 files, 7.8MB\n',
      'alpine:3.20: stored, received 3kB\n',
    ]);
  });

  test('plain: says that nothing changed', () => {
    const {lines, output} = collect();
    const event: WinchEvent = {type: 'image:stored', reference, digest, changed: false, receivedBytes: 0};
    createLineProgress('plain', output).onEvent(event);
    assert.equal(lines, ['alpine:3.20: up to date, received 0B\n']);
  });

  test('every kind reports warnings, on one line that a terminal cannot obey', () => {
    for (const mode of ['plain', 'none'] as const) {
      const {lines, output} = collect();
      createLineProgress(mode, output).onEvent(WARNING);
      assert.equal(lines, ['warning: OLD: evil\\x1b[2J\\x0aforged: stored\n'], mode);
    }
  });

  test('none: reports nothing else', () => {
    const {lines, output} = collect();
    for (const event of PULL) createLineProgress('none', output).onEvent(event);
    assert.equal(lines, []);
  });

  test('json: one object a line, the same events', () => {
    const {lines, output} = collect();
    const progress = createLineProgress('json', output);
    for (const event of [...PULL, WARNING]) progress.onEvent(event);
    assert.equal(
      lines.map((line) => JSON.parse(line)),
      [...PULL, WARNING],
    );
    assert.ok(lines.every((line) => line.indexOf('\n') === line.length - 1));
  });

  test('json: thins out chunks, but not the last one', () => {
    const {lines, output} = collect();
    let time = 0;
    const progress = createLineProgress('json', output, () => time);
    for (let receivedBytes = 1; receivedBytes <= 1000; receivedBytes++, time++) {
      progress.onEvent({type: 'blob:received', digest, receivedBytes, totalBytes: 1000});
    }
    assert.equal(
      lines.map((line) => JSON.parse(line).receivedBytes),
      [1, 101, 201, 301, 401, 501, 601, 701, 801, 901, 1000],
    );
  });
});

describe('cli/render/progress-model', ({test}) => {
  const playUntil = (type: WinchEvent['type']) => {
    const model = createProgressModel(() => 0);
    for (const event of PULL) {
      model.apply(event);
      if (event.type === type) break;
    }
    return model;
  };

  test('knows what is awaited', () => {
    assert.is(playUntil('reference:resolving').activity(), 'looking for alpine:3.20');
    assert.is(playUntil('manifest:resolved').activity(), 'pulling alpine:3.20');
    assert.is(playUntil('image:stored').activity(), null);
  });

  test('counts present layers as received', () => {
    assert.equal(playUntil('blob:present').total(), {layers: 2, finished: 1, receivedBytes: 1000, bytes: 4000});
  });

  test('counts layers on their way by their bytes', () => {
    const model = playUntil('blob:received');
    assert.equal(model.total(), {layers: 2, finished: 1, receivedBytes: 2000, bytes: 4000});
    assert.equal(
      model.transfers().map(({receivedBytes}) => receivedBytes),
      [1000],
    );
  });

  test('has no transfers at the end', () => {
    const model = playUntil('image:stored');
    assert.equal(model.transfers(), []);
    assert.equal(model.total(), {layers: 2, finished: 2, receivedBytes: 4000, bytes: 4000});
  });

  test('knows the rate of the last seconds', () => {
    let time = 0;
    const model = createProgressModel(() => time);
    assert.is(model.rate(), 0);
    for (let second = 0; second <= 10; second++) {
      time = second * 1000;
      model.apply({
        type: 'blob:received',
        digest,
        receivedBytes: second * (second < 7 ? 100 : 1000),
        totalBytes: 10_000,
      });
    }
    assert.is(Math.round(model.rate()), 1000);
  });
});
