import * as assert from 'node:assert/strict';
import {randomBytes} from 'node:crypto';
import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';
import {makeWinch, type Winch, type WinchProcess} from '../helpers/winch.ts';

const skip = missingFor('runc', 'busybox', 'script');
const SEVERAL_MEGABYTES = 4 * 2 ** 20;
const WAIT_FOR_INTERRUPT = 'trap "echo caught; exit 5" INT; echo ready; while :; do sleep 0.05; done';

describe('e2e/terminal', ({test: declare, before, after}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});
  let lab: {readonly winch: Winch; readonly registry: RegistryServer; readonly image: string} | undefined;
  const open = () => lab ?? assert.fail('the image was not pulled');

  before(async () => {
    if (skip !== undefined) return;
    const registry = await startRegistry();
    registry.put('busybox', '1', busyboxImage());
    lab = {winch: makeWinch(), registry, image: 'busybox'};
    assert.equal((await lab.winch.run(['pull', `${registry.host}/busybox:1`])).exitCode, 0);
    assert.equal((await lab.winch.run(['tag', `${registry.host}/busybox:1`, 'busybox'])).exitCode, 0);
    // Some drivers extract what is run for the first time, and show it on the terminal.
    await lab.winch.run(['run', '--network', 'none', 'busybox', 'true']);
  });
  after(async () => {
    await lab?.registry.close();
    lab?.winch[Symbol.dispose]();
  });

  /** A line of shell on a terminal of its own, whose keyboard is the process's standard input. */
  const startOnTerminal = (line: string): WinchProcess =>
    open().winch.startShell('exec script --quiet --return --command "$LINE" /dev/null', {
      env: {LINE: line},
      input: null,
    });
  const runOnTerminal = async (line: string) => {
    const {stdin, exited} = startOnTerminal(line);
    const {exitCode, stdout} = await exited;
    stdin.end();
    return {exitCode, lines: stdout.split('\r\n')};
  };

  test('gives a terminal of the right size, and passes the exit code on', async () => {
    const {exitCode, lines} = await runOnTerminal(
      `stty rows 33 cols 101; winch run -it busybox sh -c 'tty; stty size; exit 37'`,
    );
    assert.deepEqual([exitCode, lines], [37, ['/dev/pts/0', '33 101', '']]);
  });

  test('knows the size before the first program can ask', async () => {
    const {winch} = open();
    const seen = join(winch.directory, 'config.json');
    const runtime = join(winch.directory, 'copying-runtime');
    const copy = `for word; do [ "$before" != --bundle ] || cp "$word/config.json" ${seen}; before=$word; done`;
    writeFileSync(runtime, `#!/bin/sh\n${copy}\nexec runc "$@"\n`, {mode: 0o755});
    const {exitCode} = await runOnTerminal(`stty rows 33 cols 101; winch run -it --runtime ${runtime} busybox true`);
    assert.equal(exitCode, 0);
    assert.deepEqual(JSON.parse(readFileSync(seen, 'utf8')).process.consoleSize, {height: 33, width: 101});
  });

  test('tells the container when the terminal changes its size', async () => {
    const wait =
      'i=0; while [ "$(stty size 2>/dev/null)" != "41 91" ] && [ $i -lt 100 ]; do i=$((i+1)); sleep 0.05; done; stty size';
    const {lines} = await runOnTerminal(
      `stty rows 24 cols 80; (sleep 1; stty rows 41 cols 91 </dev/tty) & winch run -it busybox sh -c '${wait}'`,
    );
    assert.deepEqual(lines, ['41 91', '']);
  });

  test('passes keystrokes on, Ctrl-C among them, and restores the terminal', async () => {
    const {stdin, readStdout, exited} = startOnTerminal(
      `stty -g; winch run -it busybox sh -c 'read -r line; echo "<$line>"; ${WAIT_FOR_INTERRUPT}'; code=$?; stty -g; exit $code`,
    );
    stdin.write('typed\n');
    await waitFor(() => readStdout().includes('ready'));
    stdin.write('\x03');
    const result = await exited;
    stdin.end();
    const lines = result.stdout.split('\r\n');
    assert.equal(result.exitCode, 5, result.stdout);
    assert.deepEqual([lines.includes('<typed>'), lines.includes('^Ccaught')], [true, true], result.stdout);
    const settings = lines.filter((line) => /^([0-9a-f]+:)+[0-9a-f]+$/.test(line));
    assert.deepEqual([settings.length, new Set(settings).size], [2, 1], result.stdout);
  });

  test('where there is no terminal, gives one whose output goes to standard output, as in a CI job', async () => {
    const {winch} = open();
    const line = 'tty; echo to the errors >&2; exit 7';
    const {exitCode, stdout, stderr} = await winch.run(['run', '-t', 'busybox', 'sh', '-c', line]);
    assert.deepEqual([exitCode, stdout, stderr], [7, '/dev/pts/0\nto the errors\n', '']);
    const content = join(winch.directory, 'much');
    const bytes = `${'0123456789'.repeat(1000)}\n`.repeat(100);
    writeFileSync(content, bytes);
    const much = await winch.run(['run', '-t', '-v', `${content}:/much`, 'busybox', 'cat', '/much']);
    assert.equal(much.stdout === bytes, true, `${much.stdout.length} letters of ${bytes.length}`);
  });

  test('where there is no terminal, signals reach the container, and failures are told once', async () => {
    const {winch} = open();
    const script = 'trap "echo caught; exit 5" TERM; echo ready; while :; do sleep 0.05; done';
    const run = winch.start(['run', '-t', 'busybox', 'sh', '-c', script]);
    await waitFor(() => run.readStdout().includes('ready'));
    run.child.kill('SIGTERM');
    const {exitCode, stdout} = await run.exited;
    assert.deepEqual([exitCode, stdout], [5, 'ready\ncaught\n']);
    const failed = await winch.run(['run', '-t', 'busybox', 'nothing']);
    assert.deepEqual([failed.exitCode, failed.stdout], [127, '']);
    assert.match(failed.stderr, /^winch: COMMAND_NOT_FOUND: [^\n]*\n(?: [^\n]*\n)?$/);
  });

  test('exec without a terminal gives one as well', async () => {
    const {winch} = open();
    assert.equal((await winch.run(['run', '-d', '--name', 'unseen', 'busybox', 'sleep', '600'])).exitCode, 0);
    try {
      const exec = await winch.run(['exec', '-t', 'unseen', 'sh', '-c', 'tty; exit 3']);
      assert.deepEqual([exec.exitCode, exec.stdout, exec.stderr], [3, '/dev/pts/0\n', '']);
      const asked = await winch.run(['exec', '-it', 'unseen', 'sh']);
      assert.equal(asked.exitCode, 125);
      assert.match(asked.stderr, /^winch: TERMINAL_MISSING: standard input is not a terminal/);
    } finally {
      await winch.run(['rm', '-f', 'unseen']);
    }
  });

  for (const [signal, trap, code] of [
    ['SIGINT', 'INT', 5],
    ['SIGTERM', 'TERM', 6],
    ['SIGHUP', 'HUP', 7],
  ] as const) {
    test(`forwards ${signal} to a container without a terminal`, async () => {
      const script = `trap "echo caught; exit ${code}" ${trap}; echo ready; while :; do sleep 0.05; done`;
      const {child, readStdout, exited} = open().winch.start(['run', '--quiet', 'busybox', 'sh', '-c', script]);
      await waitFor(() => readStdout().includes('ready'));
      child.kill(signal);
      const result = await exited;
      assert.deepEqual([result.exitCode, result.stdout, result.stderr], [code, 'ready\ncaught\n', '']);
    });
  }

  test('kills a container that ignores Ctrl-C at the third', async () => {
    const script = 'trap "" INT; echo ready; while :; do sleep 0.05; done';
    const {child, readStdout, exited} = open().winch.start(['run', 'busybox', 'sh', '-c', script]);
    await waitFor(() => readStdout().includes('ready'));
    // A signal that is pending already is not counted twice, so a busy machine may need more than three; those that come
    // while it clears up change nothing.
    const presser = setInterval(() => child.kill('SIGINT'), 20);
    const {exitCode} = await exited.finally(() => clearInterval(presser));
    assert.equal(exitCode, 137);
  });

  test('U14 passes megabytes of any bytes through in both directions', async () => {
    const input = randomBytes(SEVERAL_MEGABYTES);
    const {exitCode, output, stderr} = await open().winch.run(['run', '-i', 'busybox', 'cat'], {input});
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.ok(output.equals(input), `${output.length} bytes`);
  });

  test('keeps standard output and standard error apart', async () => {
    const result = await open().winch.run(['run', 'busybox', 'sh', '-c', 'echo out; echo err >&2; exit 3']);
    assert.deepEqual([result.exitCode, result.stdout, result.stderr], [3, 'out\n', 'err\n']);
  });

  test('U14 ends in silence when nobody reads on', async () => {
    for (const line of [
      // The kernel keeps SIGPIPE from the first process of a container, which would then speak of it.
      'winch run busybox sh -c "(while echo line; do :; done); exit 0" | head -n 1',
      'winch run -i busybox sh -c "cat; exit 0" < /dev/zero | head -c 5 | tr "\\0" x',
      'winch run --help | head -n 1',
      'winch images | head -n 1',
    ]) {
      const {stdout, stderr} = await open().winch.startShell(line).exited;
      assert.deepEqual([stdout.trimEnd().split('\n').length, stderr], [1, ''], line);
    }
  });

  test('prints the digest alone, and progress on standard error', async () => {
    const {registry, winch} = open();
    const image = busyboxImage({config: {Env: ['FRESH=1']}});
    registry.put('fresh', '1', image);
    const {stdout, stderr} = await winch.run(['pull', `${registry.host}/fresh:1`]);
    assert.equal(stdout, `${image.manifest.digest}\n`);
    assert.match(stderr, /stored/);
    const quiet = await winch.run(['pull', '-q', `${registry.host}/fresh:1`]);
    assert.deepEqual([quiet.stdout, quiet.stderr], [stdout, '']);
  });

  test('draws progress on a terminal, and leaves it with a cursor and the digest', async () => {
    const {registry} = open();
    const layer = buildTar([{path: 'data', content: randomBytes(100_000)}]);
    registry.put('drawn', '1', buildImage({layers: [layer]}));
    registry.setFaults([{on: 'blob', slow: {bytes: 20_000, pauseMs: 50}}]);
    const {exitCode, lines} = await runOnTerminal(`stty rows 24 cols 80; winch pull ${registry.host}/drawn:1`);
    const drawn = lines.join('\n');
    assert.equal(exitCode, 0, drawn);
    assert.match(lines.at(-2) ?? '', /sha256:[0-9a-f]{64}$/);
    assert.match(drawn, /\x1b\[/);
    assert.ok(drawn.lastIndexOf('\x1b[?25h') >= drawn.lastIndexOf('\x1b[?25l'), JSON.stringify(drawn));
  });

  test('reports JSON lines to machines, errors too', async () => {
    const {registry, winch} = open();
    registry.put('json', '1', busyboxImage({config: {Env: ['JSON=1']}}));
    const typesOf = async (...words: readonly string[]) => {
      const {stderr} = await winch.run(['--progress', 'json', ...words]);
      return stderr
        .trimEnd()
        .split('\n')
        .map((line) => String(JSON.parse(line).type));
    };
    const pulled = await typesOf('pull', `${registry.host}/json:1`);
    assert.deepEqual([pulled[0], pulled.at(-1)], ['reference:resolving', 'image:stored']);
    assert.deepEqual((await typesOf('run', 'busybox', 'true')).slice(-2), ['container:started', 'container:exited']);
    assert.equal((await typesOf('pull', `${registry.host}/none:1`)).at(-1), 'error:raised');
  });
});
