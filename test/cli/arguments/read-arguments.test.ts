import * as assert from 'uvu/assert';
import {choice, flag, list, text} from '../../../src/cli/arguments/option-table.ts';
import {indexFlags, readArguments} from '../../../src/cli/arguments/read-arguments.ts';
import {describe} from '../../helpers/suite.ts';
import {messageOf} from '../message-of.ts';

const TABLE = {
  env: list('NAME=value', 'Set', {short: 'e'}),
  interactive: flag('Stdin', {short: 'i'}),
  memory: text('BYTES', 'Memory', {short: 'm'}),
  network: text('NAME', 'Network', {aliases: ['net']}),
  pull: choice(['always', 'never'], 'Policy'),
  rm: flag('Remove'),
  tty: flag('Terminal', {short: 't'}),
};

const read = (words: readonly string[], stopsAtPositional = true) =>
  readArguments(words, TABLE, {commandName: 'winch run', stopsAtPositional});

const FORMS: readonly (readonly [words: readonly string[], values: object, positionals?: readonly string[]])[] = [
  [[], {}],
  [['-it'], {interactive: true, tty: true}],
  [['-e', 'A=b'], {env: ['A=b']}],
  [['-eA=b'], {env: ['A=b']}],
  [['-e=A=b'], {env: ['A=b']}],
  [['--env', 'A=b=c'], {env: ['A=b=c']}],
  [['--env=A=b', '-e', 'C'], {env: ['A=b', 'C']}],
  [['-iteA=b'], {interactive: true, tty: true, env: ['A=b']}],
  [['-ite', 'A=b'], {interactive: true, tty: true, env: ['A=b']}],
  [['-m64m'], {memory: '64m'}],
  [['-m', '-1'], {memory: '-1'}],
  [['--memory', '--rm'], {memory: '--rm'}],
  [['--memory='], {memory: ''}],
  [['-m', '1g', '--memory', '2g'], {memory: '2g'}],
  [['--rm'], {rm: true}],
  [['--rm=false'], {rm: false}],
  [['--rm=T', '-i=0', '-t=true'], {rm: true, interactive: false, tty: true}],
  [['--net', 'none'], {network: 'none'}],
  [['--net=host'], {network: 'host'}],
  [['--pull', 'never'], {pull: 'never'}],
  [['-i', 'image', '-i', '--rm'], {interactive: true}, ['image', '-i', '--rm']],
  [['image', '--', 'x'], {}, ['image', '--', 'x']],
  [['-t', '--', '-image', '--rm'], {tty: true}, ['-image', '--rm']],
  [['-', '-t'], {}, ['-', '-t']],
  [['', '-t'], {}, ['', '-t']],
];

describe('cli/arguments/read-arguments', ({test}) => {
  for (const [words, values, positionals = []] of FORMS) {
    test(`reads ${JSON.stringify(words)} as docker does`, () => {
      assert.equal(read(words), {values, positionals});
    });
  }

  test('takes flags between positionals where they do not end the flags', () => {
    assert.equal(read(['a', '--rm', 'b', '--', '--rm'], false), {
      values: {rm: true},
      positionals: ['a', 'b', '--rm'],
    });
  });

  test('refuses unknown flags and names the nearest one', () => {
    assert.match(
      messageOf(() => read(['--memroy', '1'])),
      'FLAG_UNKNOWN: winch run has no flag "--memroy"',
    );
    assert.match(
      messageOf(() => read(['--memroy', '1'])),
      'did you mean --memory?',
    );
    assert.match(
      messageOf(() => read(['--something-else'])),
      'see winch run --help',
    );
    assert.match(
      messageOf(() => read(['-ix'])),
      'has no flag "-x"',
    );
  });

  test('refuses a flag whose value is missing', () => {
    assert.match(
      messageOf(() => read(['--env'])),
      'FLAG_WITHOUT_VALUE: --env needs a value: write --env NAME=value',
    );
    assert.match(
      messageOf(() => read(['-ie'])),
      '-e needs a value',
    );
  });

  test('refuses values that a flag does not have', () => {
    assert.match(
      messageOf(() => read(['--pull', 'newer'])),
      'FLAG_INVALID: --pull: "newer"',
    );
    assert.match(
      messageOf(() => read(['--pull', 'newer'])),
      'always, never',
    );
    assert.match(
      messageOf(() => read(['--rm=maybe'])),
      '"maybe" is neither true nor false',
    );
  });

  test('cuts what it quotes', () => {
    assert.ok(messageOf(() => read([`--${'x'.repeat(5000)}`])).length < 300);
  });

  test('gives a letter to the first flag that claims it', () => {
    const flags = indexFlags({hostname: text('NAME', '', {short: 'h'}), help: flag('', {short: 'h'})});
    assert.is(flags.get('-h')?.name, 'hostname');
    assert.is(flags.get('--help')?.name, 'help');
  });

  test('knows nothing of names that objects have by themselves', () => {
    assert.match(
      messageOf(() => read(['--constructor'])),
      'FLAG_UNKNOWN',
    );
    assert.match(
      messageOf(() => read(['--__proto__=x'])),
      'FLAG_UNKNOWN',
    );
  });
});
