import * as assert from 'uvu/assert';
import type {StoreEvent} from '../../../src/store/store-event.ts';
import type {WatchEventsOptions} from '../../../src/store/watch-event-log.ts';
import {describe} from '../../helpers/suite.ts';
import {runWinch} from '../run-winch.ts';

const EVENT: StoreEvent = {
  Type: 'container',
  Action: 'die',
  Actor: {ID: 'a'.repeat(64), Attributes: {name: 'web', image: 'nginx:1', exitCode: '0'}},
  scope: 'local',
  time: 1769860800,
  timeNano: 1769860800123456000,
};

describe('cli/commands/events', ({test}) => {
  const run = async (...words: readonly string[]) => {
    let asked: WatchEventsOptions = {};
    const outcome = await runWinch(['events', ...words], {
      events: async function* (options = {}) {
        asked = options;
        yield EVENT;
      },
    });
    return {...outcome, asked};
  };

  test("prints docker's line", async () => {
    const {stdout, code} = await run();
    const expected = `2026-01-31T12:00:00.123456000Z container die ${'a'.repeat(64)} (exitCode=0, image=nginx:1, name=web)`;
    assert.equal([code, stdout], [0, `${expected}\n`]);
  });

  test('prints a line of JSON, or by template', async () => {
    assert.equal(JSON.parse((await run('--format', 'json')).stdout), EVENT);
    assert.match((await run('--format', '{{json .}}')).stdout, '"timeNano":1769860800123456000');
    assert.is((await run('--format', '{{.Actor.Attributes.none}}|{{json .Actor.Attributes}}')).stdout.at(0), '|');
    const template = '{{.Type}} {{.Action}} {{.Actor.Attributes.name}} {{.ID}} {{.From}} {{.Time}}';
    assert.is((await run('--format', template)).stdout, `container die web ${'a'.repeat(64)} nginx:1 1769860800\n`);
  });

  test('asks for what its flags say', async () => {
    const {asked} = await run(
      ...['--since', '1769860800', '--until', '2026-02-01T00:00:00Z'],
      ...['-f', 'type=container', '--filter', 'event=die', '--filter', 'event=start', '--filter', 'label=a=b'],
    );
    assert.equal(
      {...asked, signal: undefined},
      {
        since: new Date(1769860800000),
        until: new Date('2026-02-01T00:00:00Z'),
        filters: {type: ['container'], event: ['die', 'start'], label: ['a=b']},
        signal: undefined,
      },
    );
  });

  test('refuses what it does not understand', async () => {
    for (const words of [
      ['--filter', 'type=daemon'],
      ['--filter', 'color=red'],
      ['--filter', 'event='],
      ['--filter', 'event'],
      ['--since', 'yesterday'],
      ['web'],
    ]) {
      const {code, stdout, stderr} = await runWinch(['events', ...words]);
      assert.equal([code, stdout], [2, ''], stderr);
    }
  });
});
