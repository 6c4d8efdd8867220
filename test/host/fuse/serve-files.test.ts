import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {existsSync, mkdirSync, readdirSync, readFileSync, statSync} from 'node:fs';
import {open, readFile} from 'node:fs/promises';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {mountFuse, openFuseDevice} from '../../../src/host/fuse/mount-fuse.ts';
import {loadSyscalls, UnmountFlag} from '../../../src/host/syscalls.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {missingRoot} from '../../helpers/requires.ts';
import {noteStarted} from '../../helpers/started-processes.ts';
import {describe} from '../../helpers/suite.ts';
import {makeTemporaryDirectory} from '../../helpers/temporary-directory.ts';

const SERVER = new URL('./file-server.ts', import.meta.url);
const skip = missingRoot() ?? (existsSync('/dev/fuse') ? undefined : 'needs /dev/fuse');
const LARGE_BYTES = 5_000_001;

describe('host/fuse', ({test: declare}) => {
  const test = (title: string, body: () => unknown) => declare(title, body, {skip});

  /** A mounted directory, whose files a process serves. */
  const mount = () => {
    const temporary = makeTemporaryDirectory();
    const target = join(temporary.path, 'mount');
    mkdirSync(target);
    const device = openFuseDevice();
    if (device === null) throw new Error('the device was there a moment ago');
    const server = spawn(process.execPath, [SERVER.pathname, String(LARGE_BYTES)], {
      stdio: ['ignore', 'ignore', 'inherit', device.fd],
    });
    noteStarted(server);
    const ended = once(server, 'exit');
    const syscalls = loadSyscalls();
    mountFuse(syscalls, device, target);
    device[Symbol.dispose]();
    const unmount = () => syscalls.unmount(target, UnmountFlag.detach);
    return {
      at: (name: string) => join(target, name),
      server,
      ended,
      unmount,
      [Symbol.asyncDispose]: async () => {
        if (server.exitCode === null && server.signalCode === null) {
          unmount();
          await ended;
        }
        temporary[Symbol.dispose]();
      },
    };
  };

  test('shows files with their sizes, which nobody can change', async () => {
    await using mounted = mount();
    assert.is((await readFile(mounted.at('0'))).toString(), 'a small file');
    const {size, mode} = statSync(mounted.at('1'));
    assert.is(size, LARGE_BYTES);
    assert.is(mode & 0o7777, 0o400);
    assert.is((await rejectionOf(open(mounted.at('0'), 'w'))).code, 'EROFS');
    for (const name of ['2222', 'x', '-1', '00', '1.0']) {
      assert.is((await rejectionOf(readFile(mounted.at(name)))).code, 'ENOENT');
    }
  });

  test('reads any part, several at once', async () => {
    await using mounted = mount();
    const whole = readFileSync(mounted.at('1'));
    assert.is(whole.length, LARGE_BYTES);
    assert.ok(whole.every((byte, index) => byte === index % 251));
    await using file = await open(mounted.at('1'));
    const parts = Array.from({length: 40}, (_, index) => ({position: (index * 123_457) % LARGE_BYTES, length: 70_000}));
    await Promise.all(
      parts.map(async ({position, length}) => {
        const {bytesRead, buffer} = await file.read(Buffer.alloc(length), 0, length, position);
        assert.ok(buffer.subarray(0, bytesRead).equals(whole.subarray(position, position + length)));
      }),
    );
    assert.is((await file.read(Buffer.alloc(10), 0, 10, LARGE_BYTES)).bytesRead, 0);
  });

  test('a read that fails is an input/output error, and the next one is tried anew', async () => {
    await using mounted = mount();
    assert.is((await rejectionOf(readFile(mounted.at('2')))).code, 'EIO');
    assert.is((await readFile(mounted.at('0'))).toString(), 'a small file');
  });

  test('what waits for a slow read keeps no other one waiting', async () => {
    await using mounted = mount();
    const slow = readFile(mounted.at('3'));
    assert.is((await readFile(mounted.at('0'))).toString(), 'a small file');
    assert.is((await slow).toString(), 'late');
  });

  test('ends when it is unmounted', async () => {
    await using mounted = mount();
    await readFile(mounted.at('0'));
    mounted.unmount();
    assert.equal(await mounted.ended, [0, null]);
  });

  test('killed, it gives errors and never zeros', async () => {
    await using mounted = mount();
    const file = await open(mounted.at('1'));
    mounted.server.kill('SIGKILL');
    await mounted.ended;
    assert.match(
      String((await rejectionOf(file.read(Buffer.alloc(10), 0, 10, 4_000_000))).code),
      /ENOTCONN|ECONNABORTED|EIO/,
    );
    await file.close().catch(() => {});
    mounted.unmount();
    assert.equal(readdirSync(mounted.at('')), []);
  });
});
