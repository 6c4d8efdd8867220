import {PassThrough} from 'node:stream';
import {setTimeout as sleep} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {describeEvent} from '../../../src/cli/render/describe-event.ts';
import type {Terminal} from '../../../src/cli/render/output.ts';
import {chooseProgress, createLineProgress} from '../../../src/cli/render/progress.ts';
import type {WinchEvent} from '../../../src/events.ts';
import {describe} from '../../helpers/suite.ts';
import {waitFor} from '../../helpers/wait-for.ts';
import {DIGESTS} from '../samples.ts';

const digest = DIGESTS.layer;
const reference = 'alpine:3.20';

const PULL: readonly WinchEvent[] = [
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

  test('N02 writes lines elsewhere', () => {
    assert.is(choose({terminal: null}), 'plain');
    assert.is(choose({variables: {CI: 'true'}}), 'plain');
    assert.is(choose({variables: {TERM: 'dumb'}}), 'plain');
    for (const columns of [0, 1, 20]) {
      assert.is(choose({terminal: Object.assign(new PassThrough(), {columns})}), 'plain', String(columns));
    }
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
    const progress = createLineProgress('json', output, {now: () => 0});
    for (const event of [...PULL, WARNING]) progress.onEvent(event);
    const pace = {rate: 0, etaSeconds: null};
    assert.equal(
      lines.map((line) => JSON.parse(line)),
      [...PULL, WARNING].map((event) => (event.type === 'blob:received' ? {...event, ...pace} : event)),
    );
    assert.ok(lines.every((line) => line.indexOf('\n') === line.length - 1));
  });

  test('json: thins out chunks, but not the last one', () => {
    const {lines, output} = collect();
    let time = 0;
    const progress = createLineProgress('json', output, {now: () => time});
    for (let receivedBytes = 1; receivedBytes <= 1000; receivedBytes++, time++) {
      progress.onEvent({type: 'blob:received', digest, receivedBytes, totalBytes: 1000});
    }
    assert.equal(
      lines.map((line) => JSON.parse(line).receivedBytes),
      [1, 101, 201, 301, 401, 501, 601, 701, 801, 901, 1000],
    );
  });

  test('json: says how fast each blob moves and how long it takes yet', () => {
    const {lines, output} = collect();
    let time = 0;
    const progress = createLineProgress('json', output, {now: () => time});
    progress.onEvent({type: 'blob:started', digest, totalBytes: 4000});
    time = 2000;
    progress.onEvent({type: 'blob:received', digest, receivedBytes: 1000, totalBytes: 4000});
    progress.onEvent({type: 'upload:started', digest, totalBytes: 300});
    time = 3000;
    progress.onEvent({type: 'upload:sent', digest, sentBytes: 100, totalBytes: 300});
    progress.stop();
    const [, received, , sent] = lines.map((line) => JSON.parse(line));
    assert.equal([received.rate, received.etaSeconds], [500, 6]);
    assert.equal([sent.rate, sent.etaSeconds], [100, 2]);
  });

  test('json: sums up now and then while something moves', async () => {
    const {lines, output} = collect();
    let time = 0;
    const progress = createLineProgress('json', output, {now: () => time, heartbeatMs: 5});
    for (const event of PULL.slice(0, 4)) progress.onEvent(event);
    time = 1000;
    progress.onEvent({type: 'blob:received', digest, receivedBytes: 1000, totalBytes: 3000});
    await waitFor(() => lines.length > 5);
    progress.stop();
    assert.equal(JSON.parse(lines[5] ?? ''), {
      type: 'progress:total',
      receivedBytes: 2000,
      totalBytes: 4000,
      sentBytes: 0,
      totalSentBytes: 0,
      rate: 1000,
      etaSeconds: 2,
    });
  });

  test('plain: a log hears from transfers that take long, and from nothing else', async () => {
    const {lines, output} = collect();
    let time = 0;
    const progress = createLineProgress('plain', output, {now: () => time, heartbeatMs: 5});
    for (const event of PULL.slice(0, 4)) progress.onEvent(event);
    time = 2000;
    progress.onEvent({type: 'blob:received', digest, receivedBytes: 1000, totalBytes: 3000});
    await waitFor(() => lines.length > 3);
    assert.is(lines[2], 'progress: received 2kB of 4kB, 1 of 2 blobs done, 500B/s, 4s left\n');
    assert.is(lines[3], lines[2]);
    progress.onEvent({type: 'blob:stored', digest, size: 3000});
    const count = lines.length;
    await sleep(20);
    assert.is(lines.length, count);
    progress.stop();
  });

  test('a heartbeat ends with the progress, and keeps no process alive', async () => {
    const {lines, output} = collect();
    const progress = createLineProgress('plain', output, {heartbeatMs: 5});
    progress.onEvent({type: 'blob:started', digest, totalBytes: 3000});
    progress.stop();
    await sleep(20);
    assert.equal(lines, []);
  });

  test('tells of resumed, shared, uploaded and copied blobs, of pauses, retries and mirrors', () => {
    const host = 'registry.example';
    const lines = TRANSFERS.map((event) => describeEvent(event));
    assert.equal(lines, [
      '444444444444: continues at 1kB of 3kB',
      '444444444444: waiting for another download',
      '444444444444: waiting for pid 123 (winch pull, started 12 s ago)',
      '444444444444: uploaded 3kB',
      '444444444444: mounted from another repository',
      '444444444444: already there',
      'a:1 → b:1: copied, sent 3kB',
      'a:1 → b:1: up to date, sent 0B',
      `${host}: connection reset: trying again in 1.5s (2)`,
      `${host}: wrong digest: trying again (1)`,
      `${host} asks for a pause of 3s (429): waiting, now and whenever it asks again`,
      `${host}: the mirror mirror.example is passed over: status 404`,
    ]);
  });

  test('N01 texts of registries cannot command a terminal, on lines and as JSON', () => {
    const evil = '\x1b]52;c;YQ==\x07\x1b[2J\r\n\u202e\u2028\u009b31m';
    for (const event of hostileEvents(evil)) {
      assert.not.match(describeEvent(event) ?? '', /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, event.type);
      for (const mode of ['plain', 'json'] as const) {
        const {lines, output} = collect();
        const progress = createLineProgress(mode, output);
        progress.onEvent(event);
        progress.stop();
        const text = lines.join('');
        assert.match(text, /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+\n$/u, `${mode} ${event.type}`);
        if (mode === 'json') assert.equal(JSON.parse(text), event);
      }
    }
  });
});

const TRANSFERS: readonly WinchEvent[] = [
  {type: 'blob:resumed', digest, offset: 1000, totalBytes: 3000},
  {type: 'blob:waiting', digest},
  {type: 'blob:waiting', digest, holder: {pid: 123, command: 'winch pull', runningSeconds: 12.3}},
  {type: 'upload:finished', digest, size: 3000, outcome: 'uploaded'},
  {type: 'upload:finished', digest, size: 3000, outcome: 'mounted'},
  {type: 'upload:finished', digest, size: 3000, outcome: 'present'},
  {type: 'image:copied', source: 'a:1', target: 'b:1', digest, changed: true, sentBytes: 3000},
  {type: 'image:copied', source: 'a:1', target: 'b:1', digest, changed: false, sentBytes: 0},
  {type: 'request:retrying', host: 'registry.example', reason: 'connection reset', attempt: 2, delayMs: 1500},
  {type: 'request:retrying', host: 'registry.example', reason: 'wrong digest', attempt: 1, delayMs: 0},
  {type: 'host:paused', host: 'registry.example', reason: '429', delayMs: 3000},
  {type: 'mirror:failed', registry: 'registry.example', mirror: 'mirror.example', reason: 'status 404'},
];

const hostileEvents = (evil: string): readonly WinchEvent[] => [
  {type: 'manifest:resolved', reference: evil, digest: DIGESTS.index, platform: evil, layers: []},
  {type: 'image:stored', reference: evil, digest, changed: true, receivedBytes: 0},
  {type: 'image:copied', source: evil, target: evil, digest, changed: true, sentBytes: 3000},
  {type: 'request:retrying', host: evil, reason: evil, attempt: 2, delayMs: 1500},
  {type: 'host:paused', host: evil, reason: evil, delayMs: 3000},
  {type: 'mirror:failed', registry: evil, mirror: evil, reason: evil},
  {type: 'warning:raised', code: evil, message: evil},
];
