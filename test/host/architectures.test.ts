import {mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {readRunnableArchitectures} from '../../src/host/architectures.ts';
import {describe} from '../helpers/suite.ts';

describe('host/architectures', ({test}) => {
  test('names the machine’s own architecture first, then the registered emulators, each once', () => {
    const directory = mkdtempSync(join(tmpdir(), 'winch-binfmt-'));
    for (const name of ['qemu-riscv64', 'qemu-s390x', 'python3.13', 'register', 'status', 'rosetta', 'qemu-x86_64']) {
      writeFileSync(join(directory, name), '');
    }
    const architectures = readRunnableArchitectures(directory);
    rmSync(directory, {recursive: true});
    assert.is(architectures[0], process.arch === 'x64' ? 'amd64' : process.arch);
    assert.ok(['riscv64', 's390x', 'amd64'].every((name) => architectures.includes(name)));
    assert.is(new Set(architectures).size, architectures.length);
  });

  test('does without emulators where what lists them cannot be mounted', () => {
    // Systemd's automount answers ELOOP where the kernel's module is not there.
    const directory = mkdtempSync(join(tmpdir(), 'winch-binfmt-'));
    symlinkSync('binfmt_misc', join(directory, 'binfmt_misc'));
    const architectures = readRunnableArchitectures(join(directory, 'binfmt_misc'));
    rmSync(directory, {recursive: true});
    assert.ok(architectures.length >= 1);
  });

  test('does without emulators where none can be registered', () => {
    assert.ok(readRunnableArchitectures('/nowhere').length >= 1);
  });
});
