import {EventEmitter} from 'node:events';
import {setTimeout as sleep} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {listenForInterrupts} from '../../src/cli/interrupts.ts';
import {isWinchError} from '../../src/errors.ts';
import {describe} from '../helpers/suite.ts';

function createSource() {
  const listeners = new EventEmitter();
  const exits: number[] = [];
  return {
    exits,
    listeners,
    send: (signal: NodeJS.Signals) => void listeners.emit(signal, signal),
    source: {
      on: (signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void) => listeners.on(signal, listener),
      off: (signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void) => listeners.off(signal, listener),
      exit: (code: number) => void exits.push(code),
    },
  };
}

describe('cli/interrupts', ({test}) => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    test(`aborts on ${name}`, () => {
      const {source, send, exits} = createSource();
      const interrupts = listenForInterrupts(source);
      send(name);
      assert.ok(isWinchError(interrupts.signal.reason, 'INTERRUPTED'));
      assert.is(interrupts.signal.reason.details.signal, name);
      assert.equal(exits, []);
      interrupts.release();
    });
  }

  test('exits at once on the second signal', () => {
    const {source, send, exits} = createSource();
    let time = 0;
    const interrupts = listenForInterrupts(source, () => time);
    send('SIGINT');
    time = 300;
    send('SIGINT');
    assert.equal(exits, [130]);
    interrupts.release();
  });

  test('takes two copies of one keystroke for one', () => {
    const {source, send, exits} = createSource();
    const interrupts = listenForInterrupts(source, () => 0);
    send('SIGINT');
    send('SIGINT');
    assert.equal(exits, []);
    interrupts.release();
  });

  test('lets no signal kill that a container gets, nor one within a second of its end', () => {
    const {source, send, exits, listeners} = createSource();
    let time = 0;
    const interrupts = listenForInterrupts(source, () => time);
    const noteEnd = interrupts.handOver();
    for (time = 5000; time < 9000; time += 1000) send('SIGINT');
    noteEnd();
    for (const name of ['SIGINT', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const) send(name);
    interrupts.release();
    assert.is(listeners.listenerCount('SIGINT'), 1);
    assert.equal([exits, interrupts.signal.aborted], [[], false]);
    time += 1001;
    send('SIGTERM');
    assert.equal(exits, [143]);
  });

  test('exits by itself when nobody listens to the signal', async () => {
    const {source, send, exits} = createSource();
    const interrupts = listenForInterrupts(source);
    send('SIGTERM');
    await sleep(1050);
    assert.equal(exits, [143]);
    interrupts.release();
  });

  test('saves what must not be lost before it exits, and exits whatever comes of that', () => {
    const {source, send, exits} = createSource();
    let time = 0;
    const saved: readonly number[][] = [[]];
    const interrupts = listenForInterrupts(source, () => time);
    interrupts.beforeExit(() => {
      saved[0]?.push(exits.length);
      throw new Error('disk full');
    });
    send('SIGINT');
    assert.equal(saved, [[]]);
    time = 300;
    assert.throws(() => send('SIGINT'), /disk full/);
    assert.equal([saved, exits], [[[0]], [130]]);
    interrupts.release();
  });

  test('stops listening when released', () => {
    const {source, listeners} = createSource();
    const interrupts = listenForInterrupts(source);
    assert.is(listeners.eventNames().length, 3);
    interrupts.release();
    assert.is(listeners.eventNames().length, 0);
  });
});
