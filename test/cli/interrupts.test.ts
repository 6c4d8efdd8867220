import {setTimeout as sleep} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {listenForInterrupts} from '../../src/cli/interrupts.ts';
import {isWinchError} from '../../src/errors.ts';
import {describe} from '../helpers/suite.ts';

function createSource() {
  const listeners = new Map<NodeJS.Signals, (signal: NodeJS.Signals) => void>();
  const exits: number[] = [];
  return {
    exits,
    listeners,
    send: (signal: NodeJS.Signals) => listeners.get(signal)?.(signal),
    source: {
      on: (signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void) => listeners.set(signal, listener),
      off: (signal: NodeJS.Signals) => listeners.delete(signal),
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
    assert.is(listeners.size, 3);
    interrupts.release();
    assert.is(listeners.size, 0);
  });
});
