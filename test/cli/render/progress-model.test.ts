import * as assert from 'uvu/assert';
import {createProgressModel} from '../../../src/cli/render/progress-model.ts';
import type {WinchEvent} from '../../../src/events.ts';
import {describe} from '../../helpers/suite.ts';
import {DIGESTS} from '../samples.ts';

const digest = DIGESTS.layer;
const other = DIGESTS.manifest;
const NOTHING = {blobs: 0, finished: 0, movedBytes: 0, bytes: 0};

const resolved = (
  reference: string,
  layers: readonly {readonly digest: string; readonly size: number}[],
): WinchEvent => ({
  type: 'manifest:resolved',
  reference,
  digest: DIGESTS.index,
  platform: 'linux/amd64',
  layers,
});
const received = (receivedBytes: number, totalBytes = 3000): WinchEvent => ({
  type: 'blob:received',
  digest,
  receivedBytes,
  totalBytes,
});

/** A model on a clock of its own. */
function createScene() {
  const clock = {time: 0};
  const model = createProgressModel(() => clock.time);
  const play = (...events: readonly WinchEvent[]) => {
    for (const event of events) model.apply(event);
  };
  return {clock, model, play};
}

describe('cli/render/progress-model', ({test}) => {
  test('knows what is awaited', () => {
    const {model, play} = createScene();
    play({type: 'reference:resolving', reference: 'alpine:3.20'});
    assert.is(model.activity(), 'looking for alpine:3.20');
    play(resolved('alpine:3.20', []));
    assert.is(model.activity(), 'pulling alpine:3.20');
    play({type: 'image:stored', reference: 'alpine:3.20', digest, changed: true, receivedBytes: 0});
    assert.is(model.activity(), null);
  });

  test('knows how far an archive, a bundle or a check has come', () => {
    const {model, play} = createScene();
    play({type: 'archive:reading', archive: 'a.tar', readBytes: 4000, totalBytes: null});
    assert.equal([model.activity(), model.isCounting()], ['reading 4kB: a.tar', true]);
    play({type: 'archive:packing', archive: 'a.tar', packedBytes: 1000, totalBytes: 4000});
    assert.equal([model.activity(), model.isCounting()], ['packing 1kB of 4kB: a.tar', true]);
    const written = {entries: 1, totalEntries: 2, bytes: 1000, totalBytes: 4000};
    play({type: 'bundle:written', directory: 'dir', ...written});
    assert.equal([model.activity(), model.isCounting()], ['writing 1 of 2 files, 1kB of 4kB: dir', true]);
    play({type: 'store:reading', readBytes: 1000, totalBytes: 4000});
    assert.equal([model.activity(), model.isCounting()], ['checking the store: 1kB of 4kB', true]);
    play(resolved('alpine:3.20', []));
    assert.equal([model.activity(), model.isCounting()], ['pulling alpine:3.20', false]);
  });

  test('counts what was here before and what is on its way', () => {
    const {model, play} = createScene();
    play(
      resolved('a', [
        {digest: other, size: 1000},
        {digest, size: 3000},
      ]),
    );
    play({type: 'blob:present', digest: other, size: 1000});
    assert.equal(model.total().downloads, {blobs: 2, finished: 1, movedBytes: 1000, bytes: 4000});
    play({type: 'blob:started', digest, totalBytes: 3000}, received(1000));
    assert.equal(model.total().downloads, {blobs: 2, finished: 1, movedBytes: 2000, bytes: 4000});
    play({type: 'blob:stored', digest, size: 3000});
    assert.equal(model.total().downloads, {blobs: 2, finished: 2, movedBytes: 4000, bytes: 4000});
    assert.equal(model.transfers(), []);
  });

  test('sums several images, and a layer that they share once', () => {
    const {model, play} = createScene();
    play(
      resolved('a', [{digest: other, size: 1000}]),
      resolved('b', [
        {digest: other, size: 1000},
        {digest, size: 3000},
      ]),
    );
    assert.equal(model.total().downloads, {blobs: 2, finished: 0, movedBytes: 0, bytes: 4000});
  });

  test('counts blobs that no manifest announced', () => {
    const {model, play} = createScene();
    play({type: 'blob:started', digest, totalBytes: 3000}, received(500));
    assert.equal(model.total().downloads, {blobs: 1, finished: 0, movedBytes: 500, bytes: 3000});
  });

  test('knows rate and rest of the last seconds, of each blob and of all', () => {
    const {clock, model, play} = createScene();
    assert.equal([model.total().rate, model.total().etaSeconds], [0, null]);
    play({type: 'blob:started', digest, totalBytes: 10_000});
    for (let second = 1; second <= 10; second++) {
      clock.time = second * 1000;
      play(received(second * (second < 7 ? 100 : 1000), 20_000));
    }
    assert.equal(model.pace('download', digest), {rate: 1000, etaSeconds: 10});
    play({type: 'upload:started', digest: other, totalBytes: 4000});
    clock.time = 11_000;
    play({type: 'upload:sent', digest: other, sentBytes: 2000, totalBytes: 4000});
    assert.equal(model.pace('upload', other), {rate: 2000, etaSeconds: 1});
    assert.is(Math.round(model.total().rate), Math.round((2000 + 2000) / 3));
    clock.time = 30_000;
    assert.equal([model.total().rate, model.total().etaSeconds], [0, null]);
  });

  test('costs the same however small the chunks are', () => {
    const {clock, model, play} = createScene();
    play({type: 'blob:started', digest, totalBytes: 1e9});
    for (let chunk = 1; chunk <= 200_000; chunk++) {
      clock.time = chunk / 100;
      play(received(chunk * 1000, 1e9));
    }
    assert.is(Math.round(model.total().rate / 1e6), 100);
  });

  test('bytes of an earlier attempt are progress and no speed', () => {
    const {clock, model, play} = createScene();
    play(
      {type: 'blob:started', digest, totalBytes: 3000},
      {type: 'blob:resumed', digest, offset: 2000, totalBytes: 3000},
    );
    assert.is(model.total().downloads.movedBytes, 2000);
    clock.time = 1000;
    play(received(2100));
    assert.equal(model.pace('download', digest), {rate: 100, etaSeconds: 9});
  });

  test('bytes of an earlier attempt are no speed, also when they are reported as they are read again', () => {
    const {clock, model, play} = createScene();
    play({type: 'blob:started', digest: other, totalBytes: 9000});
    clock.time = 500;
    play({type: 'blob:received', digest: other, receivedBytes: 500, totalBytes: 9000});
    play({type: 'blob:started', digest, totalBytes: 3e9});
    clock.time = 600;
    play(received(2e9, 3e9));
    clock.time = 1000;
    play({type: 'blob:resumed', digest, offset: 2e9, totalBytes: 3e9});
    clock.time = 2000;
    play(received(2e9 + 1000, 3e9), {type: 'blob:received', digest: other, receivedBytes: 2000, totalBytes: 9000});
    assert.ok(model.pace('download', digest).rate <= 1000, String(model.pace('download', digest).rate));
    assert.is(model.total().rate, 1500);
    clock.time = 3900;
    assert.ok(model.total().rate >= 0);
  });

  test("what another process had before is no speed, and its download is told apart until it is this one's", () => {
    const {clock, model, play} = createScene();
    play(resolved('a', [{digest, size: 3000}]), {type: 'blob:waiting', digest});
    assert.equal(
      model.transfers().map(({isFollowed, movedBytes, totalBytes}) => [isFollowed, movedBytes, totalBytes]),
      [[true, 0, 3000]],
    );
    play(received(2000));
    clock.time = 1000;
    play(received(2500));
    assert.equal(
      model.transfers().map(({isFollowed, rate}) => [isFollowed, rate]),
      [[true, 500]],
    );
    play(
      {type: 'blob:started', digest, totalBytes: 3000},
      {type: 'blob:resumed', digest, offset: 2500, totalBytes: 3000},
    );
    assert.equal(
      model.transfers().map(({isFollowed, movedBytes}) => [isFollowed, movedBytes]),
      [[false, 2500]],
    );
  });

  test('keeps both directions of one blob apart', () => {
    const {model, play} = createScene();
    play({type: 'blob:started', digest, totalBytes: 3000}, received(1000));
    play(
      {type: 'upload:started', digest, totalBytes: 3000},
      {type: 'upload:sent', digest, sentBytes: 400, totalBytes: 3000},
    );
    assert.equal(
      model.transfers().map(({direction, movedBytes}) => [direction, movedBytes]),
      [
        ['download', 1000],
        ['upload', 400],
      ],
    );
    play({type: 'upload:finished', digest, size: 3000, outcome: 'mounted'});
    assert.equal(model.total().uploads, {blobs: 1, finished: 1, movedBytes: 3000, bytes: 3000});
  });

  test('begins with nothing', () => {
    const {model} = createScene();
    assert.equal(model.total(), {downloads: NOTHING, uploads: NOTHING, rate: 0, etaSeconds: null});
  });
});
