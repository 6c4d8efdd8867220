import {getEventListeners} from 'node:events';
import {setImmediate as turnOfLoop} from 'node:timers/promises';
import * as assert from 'uvu/assert';
import {createTurns} from '../../src/host/turns.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';

describe('host/turns', ({test}) => {
  test('gives no more than there are, in the order in which they were asked for', async () => {
    const turns = createTurns(2);
    const [first, second] = [await turns.take(), await turns.take()];
    const given: string[] = [];
    const take = async (name: string) => {
      const turn = await turns.take();
      given.push(name);
      return turn;
    };
    const [third, fourth] = [take('third'), take('fourth')];
    await turnOfLoop();
    assert.equal(given, []);
    second.end();
    await turnOfLoop();
    assert.equal(given, ['third']);
    first.end();
    (await third).end();
    (await fourth).end();
    assert.equal(given, ['third', 'fourth']);
  });

  test('a turn ends once, whoever says so again', async () => {
    const turns = createTurns(1);
    {
      using turn = await turns.take();
      turn.end();
      turn.end();
    }
    using _held = await turns.take();
    let isGiven = false;
    const next = turns.take().then((turn) => {
      isGiven = true;
      return turn;
    });
    await turnOfLoop();
    assert.not.ok(isGiven);
    _held.end();
    (await next).end();
  });

  test('who is aborted leaves the line and takes no turn of others', async () => {
    const turns = createTurns(1);
    const held = await turns.take();
    const controller = new AbortController();
    const leaver = rejectionOf(turns.take(controller.signal));
    const next = turns.take();
    controller.abort(new Error('gone'));
    assert.is((await leaver).message, 'gone');
    assert.is(getEventListeners(controller.signal, 'abort').length, 0);
    assert.is((await rejectionOf(turns.take(controller.signal))).message, 'gone');
    held.end();
    (await next).end();
  });
});
