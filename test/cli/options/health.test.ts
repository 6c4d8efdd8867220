import * as assert from 'uvu/assert';
import {parseHealth} from '../../../src/cli/options/health.ts';
import {describe} from '../../helpers/suite.ts';

describe('cli/options/health', ({test}) => {
  test("reads docker's flags", () => {
    assert.equal(parseHealth({}), {});
    assert.equal(
      parseHealth({
        'health-cmd': 'curl -f localhost',
        'health-interval': '1m30s',
        'health-timeout': '500ms',
        'health-retries': '5',
        'health-start-period': '1h',
        'health-start-interval': '0s',
      }),
      {
        health: {
          ...{command: 'curl -f localhost', intervalMs: 90_000, timeoutMs: 500, retries: 5, startPeriodMs: 3_600_000},
        },
      },
    );
    for (const none of [{'no-healthcheck': true}, {'health-cmd': 'none'}]) assert.is(parseHealth(none).health, 'none');
  });

  test('refuses what is no time, and what excludes one another', () => {
    for (const values of [
      {'health-interval': '30'},
      {'health-interval': '-1s'},
      {'health-timeout': '1us'},
      {'health-start-period': '900h'},
      {'health-retries': '0'},
      {'health-retries': 'x'},
      {'no-healthcheck': true, 'health-cmd': 'true'},
    ]) {
      assert.throws(() => parseHealth(values), /FLAG|--/, JSON.stringify(values));
    }
  });
});
