import * as assert from 'uvu/assert';
import {loadCommands} from '../../../src/cli/catalogue.ts';
import {allOptions} from '../../../src/cli/command.ts';
import {renderCommandHelp, renderOverview} from '../../../src/cli/help/help-page.ts';
import {describe} from '../../helpers/suite.ts';

describe('cli/help/help-page', ({test}) => {
  test('lists every command with its summary', async () => {
    const commands = await loadCommands();
    const page = await renderOverview(commands, 100);
    for (const {name, summary} of commands) assert.match(page, new RegExp(`winch ${name} +${summary.slice(0, 20)}`));
    assert.not.match(page, '__complete');
  });

  test('has usage, every flag once and every example', async () => {
    for (const command of await loadCommands()) {
      const page = await renderCommandHelp(command, 120);
      assert.ok(page.startsWith(`winch ${command.name}`), command.name);
      for (const flag of Object.keys(allOptions(command))) {
        const lines = page.split('\n').filter((line) => new RegExp(`^ +(-\\w, )?--${flag}[ ,]`).test(line));
        assert.is(lines.length, 1, `--${flag} of winch ${command.name}`);
      }
      for (const [line] of command.examples) {
        assert.ok(page.replace(/\s+/g, '').includes(line.split(' ')[0] ?? ''), line);
      }
    }
  });

  test('gives -h to the host name where there is one, and to help elsewhere', async () => {
    const pages = await Promise.all((await loadCommands()).map((command) => renderCommandHelp(command, 100)));
    for (const page of pages) {
      const makesContainers = /^winch (?:run|create|bundle)\b/.test(page);
      assert.match(page, makesContainers ? '-h, --hostname' : '-h, --help');
    }
  });

  test('fits narrow terminals', async () => {
    for (const command of await loadCommands()) {
      const page = await renderCommandHelp(command, 60);
      const [, ...lines] = page.split('\n').filter((line) => line.startsWith(' '));
      assert.ok(
        lines.every((line) => line.length <= 60),
        command.name,
      );
    }
  });
});
