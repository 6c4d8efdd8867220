import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {COMPLETION_SCRIPTS, isShell} from '../../../src/cli/completion/scripts.ts';
import {findProgram} from '../../helpers/requires.ts';
import {describe} from '../../helpers/suite.ts';

const missing = (shell: string) => (findProgram(shell) === null ? `not installed: ${shell}` : undefined);

/** What bash offers after `line`, with a `winch` that answers with its words and with some images. */
function completeInBash(line: string): string[] {
  const script = `
${COMPLETION_SCRIPTS.bash}
winch() { printf '%s\\n' "$*" >&2; printf 'reg:5000/a:1\\treg\\nreg:5000/b c\\t\\n'; }
COMP_WORDBREAKS=$' \\t\\n"><=;|&(:'
COMP_LINE=$1 COMP_POINT=\${#1}
_winch
printf '%s\\n' "\${COMPREPLY[@]}"`;
  const {stdout} = spawnSync('bash', ['--norc', '-c', script, 'bash', line], {encoding: 'utf8'});
  return stdout.trimEnd().split('\n');
}

describe('cli/completion/scripts', ({test}) => {
  for (const [shell, script] of Object.entries(COMPLETION_SCRIPTS)) {
    test(
      `${shell} can read its script`,
      () => {
        const directory = mkdtempSync(join(tmpdir(), 'winch-completion-'));
        writeFileSync(join(directory, 'script'), script);
        const {status, stderr} = spawnSync(shell, ['-n', join(directory, 'script')], {encoding: 'utf8'});
        rmSync(directory, {recursive: true});
        assert.equal([status, stderr], [0, '']);
      },
      {skip: missing(shell)},
    );
  }

  test(
    'bash offers the candidates without their descriptions',
    () => {
      assert.equal(completeInBash('winch run '), ['reg:5000/a:1', 'reg:5000/b c']);
    },
    {skip: missing('bash')},
  );

  test(
    'bash offers what follows the last colon',
    () => {
      assert.equal(completeInBash('winch run reg:5000/'), ['5000/a:1', '5000/b c']);
      assert.equal(completeInBash('winch run reg:5000/a:'), ['1', 'reg:5000/b c']);
    },
    {skip: missing('bash')},
  );

  test('knows three shells', () => assert.equal(['bash', 'zsh', 'fish', 'sh', 'toString'].filter(isShell).length, 3));
});
