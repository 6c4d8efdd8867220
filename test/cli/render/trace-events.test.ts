import * as assert from 'uvu/assert';
import {layOutTrace, type TraceEvent} from '../../../src/cli/render/trace-events.ts';
import type {Span} from '../../../src/trace.ts';
import {describe} from '../../helpers/suite.ts';

const span = (parts: Partial<Span>): Span => ({
  name: 'work',
  category: 'request',
  startMs: 0,
  durationMs: 10,
  track: 'a',
  details: {},
  ...parts,
});

const complete = (events: readonly TraceEvent[]) => events.filter((event) => event.ph === 'X');

/** As Perfetto demands: of one thread, each span lies within the one that is open or begins after it. */
function assertNested(events: readonly TraceEvent[]): void {
  const open = new Map<number, number[]>();
  for (const {tid, ts, dur, name} of complete(events)) {
    const ends = open.get(tid) ?? [];
    while (ends.length > 0 && (ends.at(-1) ?? 0) <= ts) ends.pop();
    const outer = ends.at(-1);
    assert.ok(outer === undefined || ts + dur <= outer, `${name} at ${ts} leaves its outer span`);
    open.set(tid, [...ends, ts + dur]);
  }
}

describe('cli/render/trace-events', ({test}) => {
  test('counts microseconds from the origin', () => {
    const {traceEvents} = layOutTrace([span({startMs: 1002.0009, durationMs: 1.5, details: {a: 1}})], 't', 1000);
    assert.equal(complete(traceEvents)[0], {
      ph: 'X',
      name: 'work',
      cat: 'request',
      pid: 1,
      tid: 20_001,
      ts: 2001,
      dur: 1500,
      args: {a: 1},
    });
  });

  test('gives what runs side by side lanes of its own, and lanes that are free to what follows', () => {
    const spans = [
      span({track: 'a', durationMs: 10}),
      span({track: 'b', startMs: 5, durationMs: 10}),
      span({track: 'c', startMs: 10, durationMs: 10}),
    ];
    const tids = complete(layOutTrace(spans, 't', 0).traceEvents).map(({name, tid, ts}) => [name, tid, ts / 1000]);
    assert.equal(tids, [
      ['work', 20_001, 0],
      ['work', 20_001, 10],
      ['work', 20_002, 5],
    ]);
  });

  test('names process and lanes', () => {
    const {traceEvents} = layOutTrace([span({}), span({track: 'b'}), span({category: 'blob'})], 'winch pull', 0);
    const names = traceEvents.flatMap((event) => (event.name.endsWith('_name') ? [Object.values(event.args)[0]] : []));
    assert.equal(names, ['winch pull', 'request 1', 'request 2', 'blob']);
  });

  test('keeps parts in the lane of their whole, in whatever order they come', () => {
    const spans = [
      span({name: 'part', startMs: 2, durationMs: 3}),
      span({name: 'other', track: 'b', startMs: 1, durationMs: 3}),
      span({name: 'last part', startMs: 5, durationMs: 5}),
      span({name: 'whole'}),
    ];
    const {traceEvents} = layOutTrace(spans, 't', 0);
    assertNested(traceEvents);
    const byName = new Map(complete(traceEvents).map(({name, tid}) => [name, tid]));
    assert.is(byName.get('part'), byName.get('whole'));
    assert.is(byName.get('last part'), byName.get('whole'));
    assert.is.not(byName.get('other'), byName.get('whole'));
  });

  test('nests whatever it is given', () => {
    let state = 7;
    const random = (limit: number) => {
      state = (state * 48_271) % 2_147_483_647;
      return (state % (limit * 1000)) / 1000;
    };
    const spans = Array.from({length: 500}, () =>
      span({startMs: random(100), durationMs: random(20), track: String(Math.floor(random(5)))}),
    );
    const {traceEvents} = layOutTrace(spans, 't', 0);
    assert.is(complete(traceEvents).length, 500);
    assertNested(traceEvents);
  });
});
