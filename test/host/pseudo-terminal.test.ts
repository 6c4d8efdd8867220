import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {openPseudoTerminal, type PseudoTerminal} from '../../src/host/pseudo-terminal.ts';
import {describe} from '../helpers/suite.ts';

describe('host/pseudo-terminal', ({test}) => {
  const start = (terminal: PseudoTerminal, script: string) => {
    const {programEnd} = terminal;
    const child = spawn('sh', ['-c', script], {stdio: [programEnd, programEnd, programEnd]});
    terminal.closeProgramEnd();
    return {child, exited: once(child, 'exit')};
  };
  const shownBy = async ({screen}: PseudoTerminal) => {
    let shown = '';
    screen.setEncoding('utf8').on('data', (piece: string) => {
      shown += piece;
    });
    await new Promise((resolve) => screen.once('close', resolve));
    return shown;
  };

  test('is a terminal of a size to programs, which shows all before it closes', async () => {
    const terminal = openPseudoTerminal({rows: 33, columns: 111});
    const {exited} = start(terminal, 'test -t 0 && test -t 2 && stty size && seq 1 3000');
    const lines = (await shownBy(terminal)).split('\r\n');
    assert.equal([lines[0], lines.at(-2), lines.length], ['33 111', '3000', 3002]);
    assert.equal((await exited)[0], 0);
  });

  test('passes on what is typed, and changes its size', async () => {
    const terminal = openPseudoTerminal(null);
    const {exited} = start(terminal, 'stty -echo; echo up; read line; echo "<$line>"; stty size');
    terminal.screen.once('data', async () => {
      terminal.resize({rows: 7, columns: 8});
      assert.ok(await terminal.write(Buffer.from('typed\n')));
    });
    const shown = await shownBy(terminal);
    assert.ok(shown.endsWith('<typed>\r\n7 8\r\n'), shown);
    await exited;
    assert.is(await terminal.write(Buffer.from('late')), false);
    terminal.resize({rows: 1, columns: 1});
  });

  test('a program that does not read keeps nobody but the writer waiting', async () => {
    const terminal = openPseudoTerminal(null);
    const {child, exited} = start(terminal, 'stty raw -echo; echo up; exec sleep 600');
    terminal.screen.resume();
    await once(terminal.screen, 'data');
    const written = terminal.write(Buffer.alloc(2 ** 20, 'x'));
    const first = await Promise.race([written, new Promise((resolve) => setTimeout(resolve, 100, 'the rest goes on'))]);
    assert.is(first, 'the rest goes on');
    child.kill();
    await exited;
    assert.is(await written, false);
  });

  test('is gone when it is closed', async () => {
    const terminal = openPseudoTerminal(null);
    const {exited} = start(terminal, 'cat');
    terminal.close();
    await exited;
    assert.is(await text(terminal.screen).catch(() => 'closed'), 'closed');
  });
});
