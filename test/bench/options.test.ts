import * as assert from 'uvu/assert';
import {parseOptions, USAGE, UsageError} from '../../bench/options.ts';
import {describe} from '../helpers/suite.ts';

describe('bench/options', ({test}) => {
  const refusal = (...args: string[]): string => {
    try {
      parseOptions(args, {});
    } catch (error) {
      if (error instanceof UsageError) return error.message;
      throw error;
    }
    return 'accepted';
  };

  test('measures everything by default', () => {
    const options = parseOptions([], {XDG_CACHE_HOME: '/cache'});
    assert.equal(options?.images, ['base', 'many-files', 'layers']);
    assert.equal(options?.scenarios, ['start-up', 'pull', 'fetch', 'warm-pull', 'run', 'unpack', 'remove']);
    assert.equal([options?.runs, options?.format, options?.cache], [5, 'table', '/cache/winch-bench']);
  });

  test('narrows by name, in the order of the report', () => {
    const options = parseOptions(['--only', 'run,pull', '--images=base', '--peers', 'podman,winch'], {});
    assert.equal(options?.scenarios, ['pull', 'run']);
    assert.equal(options?.images, ['base']);
    assert.equal(options?.peers, ['winch', 'podman']);
  });

  test('refuses what it does not know', () => {
    assert.match(refusal('--only', 'push'), /--only knows .*remove, not push/);
    assert.match(refusal('--runs', '0'), /--runs/);
    assert.match(refusal('--format', 'xml'), /table, json, not xml/);
    assert.match(refusal('--fast'), /--fast/);
    assert.match(refusal('base'), /base/);
  });

  test('wants nothing else when it is asked for help', () => {
    assert.is(parseOptions(['-h'], {}), null);
    assert.match(USAGE, /--only NAMES {7}of start-up,pull/);
  });
});
