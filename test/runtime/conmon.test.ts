import * as assert from 'uvu/assert';
import {conmonArguments} from '../../src/runtime/conmon.ts';
import {execConmonArguments} from '../../src/runtime/conmon-exec.ts';
import {describe} from '../helpers/suite.ts';

const SUPERVISION = {
  runtime: '/usr/sbin/runc',
  stateDirectory: '/run/state',
  id: 'a1',
  bundle: '/run/bundle',
  terminal: false,
  interactive: false,
  keepsInput: false,
  logFile: '/store/log',
  noteDirectory: '/store/notes',
  runtimeLog: '/run/log',
  exitCommand: null,
};

describe('runtime/conmon', ({test}) => {
  test('hands over the runtime with its flags, and where notes go', () => {
    const words = conmonArguments(SUPERVISION).join(' ');
    const runtime = ['--root', '/run/state', '--log', '/run/log', '--log-format', 'json'];
    assert.match(
      words,
      `--runtime /usr/sbin/runc ${runtime.map((word) => `--runtime-arg ${word}`).join(' ')} --bundle`,
    );
    assert.match(words, '--persist-dir /store/notes --log-path k8s-file:/store/log');
    assert.not.match(words, /--terminal|stdin|--exit-command|--log-size/);
  });

  test('the id does not come last, where it would mark a runtime', () => {
    assert.is.not(conmonArguments(SUPERVISION).at(-1), 'a1');
  });

  test('stays with a further process of a container, and keeps nothing of what that prints', () => {
    const {runtime, stateDirectory, id, runtimeLog} = SUPERVISION;
    const named = {execId: 'e1', directory: '/run/exec/e1', processFile: '/run/exec/e1/process.json'};
    const words = execConmonArguments({runtime, stateDirectory, id, runtimeLog, ...named});
    const line = words.join(' ');
    assert.match(line, '--cid a1 --cuuid e1 --runtime /usr/sbin/runc --runtime-arg --root --runtime-arg /run/state');
    assert.match(line, '--exec --exec-process-spec /run/exec/e1/process.json --terminal --bundle /run/exec/e1');
    assert.match(line, '--log-path none');
    assert.is.not(words.at(-1), 'a1');
  });

  test('limits the log when it is to', () => {
    assert.match(conmonArguments({...SUPERVISION, largestLogBytes: 65_536}).join(' '), '--log-size-max 65536');
  });

  test('names what runs at the end, each word of it', () => {
    const words = conmonArguments({...SUPERVISION, exitCommand: ['/bin/node', '/entry', '{"id": 1}'], terminal: true});
    const at = words.indexOf('--exit-command');
    assert.equal(words.slice(at, at + 6), [
      ...['--exit-command', '/bin/node', '--exit-command-arg', '/entry', '--exit-command-arg', '{"id": 1}'],
    ]);
    assert.ok(words.includes('--terminal'));
    assert.ok(words.includes('--leave-stdin-open'));
  });
});
