import * as assert from 'uvu/assert';
import {readArguments} from '../../../src/cli/arguments/read-arguments.ts';
import {loadCommand, loadCommands} from '../../../src/cli/catalogue.ts';
import {allOptions, type Command} from '../../../src/cli/command.ts';
import {createProgram} from '../../../src/cli/help/program.ts';
import {describe} from '../../helpers/suite.ts';

/** Forms that both know; the reader alone knows `-eA=b`, `-m64m`, `-i=false`, and that the last text wins. */
const LINES: readonly string[] = [
  'run alpine',
  'run --rm -it alpine sh -c true --rm',
  'run -e A=b --env C=d -e E alpine env',
  'run --env=A=b --memory=64m --cpus 1.5 alpine',
  'run -w /srv -u 1000:1000 --net none alpine',
  'run --network=host --read-only --init=false alpine',
  'run -v /a:/b -v /c:/d:ro --tmpfs /t alpine',
  'run -h box -l a=b --pull never alpine',
  'run --memory-swap -1 -m 1g alpine',
  'run --root /r --progress json --quiet alpine',
  'pull -q alpine busybox',
  'pull --policy never --platform linux/arm64 alpine',
  'images --filter reference=a --filter dangling=true -q --no-trunc',
  'inspect -f json alpine',
  'bundle --label a --annotation b=c alpine dir cmd --flag',
  'rmi -f a b',
  'history --format {{.Size}} alpine',
];

describe('cli/arguments: the reader and yargs', ({test}) => {
  for (const line of LINES) {
    test(`agree on winch ${line}`, async () => {
      const [name = '', ...words] = line.split(' ');
      const command = await loadCommand(name);
      assert.ok(command);
      if (!command) return;
      assert.equal(await readByYargs(command, words), readByReader(command, words));
    });
  }

  test('agree on every flag of every command', async () => {
    for (const command of await loadCommands()) {
      const words = Object.entries(allOptions(command)).flatMap(([flag, {kind, choices}]) =>
        kind === 'flag' ? [`--${flag}`] : [`--${flag}`, choices?.[0] ?? 'value'],
      );
      assert.equal(await readByYargs(command, words), readByReader(command, words), command.name);
    }
  });
});

const readByReader = (command: Command, words: readonly string[]) => {
  const stopsAtPositional = command.stopsAtPositional ?? false;
  const {values, positionals} = readArguments(words, allOptions(command), {
    commandName: command.name,
    stopsAtPositional,
  });
  return {values: {...values}, positionals};
};

async function readByYargs(command: Command, words: readonly string[]) {
  const table = allOptions(command);
  const stopsAtPositional = command.stopsAtPositional ?? false;
  const {_: positionals, ...parsed} = await createProgram(table, {stopsAtPositional}).parseAsync([...words]);
  const values = Object.entries(parsed).filter(([name, value]) => Object.hasOwn(table, name) && value !== undefined);
  return {values: Object.fromEntries(values), positionals};
}
