import {mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {openTraceFile} from '../../src/cli/trace-file.ts';
import {spanClock} from '../../src/trace.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {runWinch} from './run-winch.ts';

const namesIn = (path: string): readonly string[] =>
  JSON.parse(readFileSync(path, 'utf8')).traceEvents.flatMap((event: {ph: string; name: string}) =>
    event.ph === 'X' ? [event.name] : [],
  );

describe('cli/trace-file', ({test}) => {
  test('holds the command, what was measured and the pauses within its time', () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'trace.json');
    const trace = openTraceFile(path, {command: 'winch pull'});
    trace.onEvent({type: 'host:paused', host: 'a', reason: '429', delayMs: 3_600_000});
    trace.onEvent({type: 'request:retrying', host: 'b', reason: 'reset', attempt: 1, delayMs: 1});
    const span = {category: 'blob', track: 'x', startMs: spanClock(), durationMs: 0, details: {}} as const;
    trace.onSpan({...span, name: 'evil\u001b[2J\u202e'});
    trace.write();
    assert.equal(namesIn(path), ['winch pull', 'pause a', 'retry b', 'evil\u001b[2J\u202e']);
    assert.not.match(readFileSync(path, 'utf8'), /[\x00-\x09\x0b-\x1f\u202e]/);
    const events = JSON.parse(readFileSync(path, 'utf8')).traceEvents.filter(({ph}: {ph: string}) => ph === 'X');
    const [root] = events;
    for (const {ts, dur} of events) assert.ok(ts >= root.ts && ts + dur <= root.ts + root.dur);
  });

  test('is written once, replaces the file it finds, and leaves no other behind', () => {
    using directory = makeTemporaryDirectory();
    const [path, link] = [join(directory.path, 'trace.json'), join(directory.path, 'link.json')];
    writeFileSync(path, 'old');
    symlinkSync('trace.json', link);
    const trace = openTraceFile(link, {command: 'winch pull'});
    assert.is(readFileSync(path, 'utf8'), 'old');
    trace.write();
    const {ino} = statSync(path);
    trace.write();
    assert.is(statSync(path).ino, ino);
    assert.equal(namesIn(path), ['winch pull']);
    assert.equal(readdirSync(directory.path).toSorted(), ['link.json', 'trace.json']);
  });

  test('refuses a place where it cannot be written before anything is done', async () => {
    using directory = makeTemporaryDirectory();
    mkdirSync(join(directory.path, 'sub'));
    for (const file of [join(directory.path, 'none', 'trace.json'), join(directory.path, 'sub'), '/dev/null']) {
      const {code, stderr, opened} = await runWinch(['tag', 'a', 'b', '--trace', file]);
      assert.is(code, 2, stderr);
      assert.match(stderr, /^winch: TRACE_UNWRITABLE: /);
      assert.equal(opened, []);
    }
    assert.ok(statSync('/dev/null').isCharacterDevice());
  });

  test('--trace hands the library a watcher and writes, also when the command fails', async () => {
    using directory = makeTemporaryDirectory();
    for (const fails of [false, true]) {
      const path = join(directory.path, `${fails}.json`);
      const tag = async () => {
        if (fails) throw new Error('broken');
      };
      const {code, opened} = await runWinch(['--trace', path, 'tag', 'a', 'b'], {images: {tag}});
      assert.is(code, fails ? 1 : 0);
      assert.type(opened[0]?.onSpan, 'function');
      assert.equal(namesIn(path), ['winch tag']);
    }
  });

  test('a trace that cannot be written in the end is a warning', async () => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'trace.json');
    const tag = async () => void mkdirSync(path);
    const {code, stderr} = await runWinch(['tag', 'a', 'b', '--trace', path], {images: {tag}});
    assert.is(code, 0);
    assert.match(stderr, /^warning: TRACE_UNWRITABLE: /);
  });

  test('without --trace and --debug nobody watches', async () => {
    const {opened} = await runWinch(['tag', 'a', 'b'], {images: {tag: async () => {}}});
    assert.equal([opened[0]?.onSpan, opened[0]?.onWire], [undefined, undefined]);
  });

  test('--debug shows the wire on standard error, escaped, as JSON where that is wanted', async () => {
    const failed = {type: 'wire:failed', exchange: 1, durationMs: 4.6, code: 'A', message: 'evil\u001b[2J\n'} as const;
    for (const [flags, line] of [
      [[], '< 1 A after 5 ms: evil\\x1b[2J\\x0a\n'],
      [['-q'], '< 1 A after 5 ms: evil\\x1b[2J\\x0a\n'],
      [['--progress', 'json'], `${JSON.stringify(failed)}\n`],
    ] as const) {
      const outcome = await runWinch(['--debug', ...flags, 'tag', 'a', 'b'], {
        images: {tag: async () => {}},
        onOpen: ({onWire}) => onWire?.(failed),
      });
      assert.is(outcome.stderr, line);
    }
  });
});
