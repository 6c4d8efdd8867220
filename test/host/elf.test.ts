import {closeSync, openSync, readSync} from 'node:fs';
import * as assert from 'uvu/assert';
import {readElf} from '../../src/host/elf.ts';
import {describe} from '../helpers/suite.ts';
import {makeElf} from './elf-fixture.ts';

describe('host/elf', ({test}) => {
  test('names the machine a program is for', () => {
    assert.equal(readElf(makeElf({machine: 62})), {architecture: 'amd64', interpreter: null});
    assert.is(readElf(makeElf({machine: 183}))?.architecture, 'arm64');
    assert.is(readElf(makeElf({machine: 9999}))?.architecture, 'e_machine 9999');
  });

  test('finds the dynamic loader', () => {
    assert.is(readElf(makeElf({machine: 62, interpreter: '/lib/ld.so'}))?.interpreter, '/lib/ld.so');
  });

  test('takes anything else for no program', () => {
    for (const head of ['', '\x7fELF', '#!/bin/sh\n', 'MZ'.padEnd(64, '\0')])
      assert.is(readElf(Buffer.from(head)), null);
  });

  test('survives tables that lie', () => {
    const head = makeElf({machine: 62, interpreter: '/lib/ld.so'});
    for (const [offset, bytes] of [
      [32, 8],
      [72, 8],
      [96, 8],
    ] as const) {
      const lying = Buffer.from(head);
      lying.fill(0xff, offset, offset + bytes);
      assert.is(readElf(lying)?.interpreter, null, `${offset}`);
    }
    for (let length = 0; length < head.length; length += 1) readElf(head.subarray(0, length));
  });

  test('reads the program that runs this test', () => {
    const fd = openSync(process.execPath, 'r');
    const head = Buffer.alloc(4096);
    readSync(fd, head);
    closeSync(fd);
    assert.is(readElf(head)?.architecture, process.arch === 'x64' ? 'amd64' : process.arch);
    assert.match(readElf(head)?.interpreter ?? '', /^\/.*ld/);
  });
});
