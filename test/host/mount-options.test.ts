import * as assert from 'uvu/assert';
import {parseMountOptions} from '../../src/host/mount-options.ts';
import {describe} from '../helpers/suite.ts';

const [READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC] = [1, 2, 4, 8];

describe('host/mount-options', ({test}) => {
  const cases: readonly (readonly [string, number, string | null])[] = [
    ['', 0, null],
    ['defaults,_netdev,nofail,x-systemd.automount', 0, null],
    ['ro,nosuid,nodev,noexec', READ_ONLY | NO_SUID | NO_DEVICES | NO_EXEC, null],
    ['ro,rw', 0, null],
    ['noexec,exec,ro', READ_ONLY, null],
    ['addr=10.0.0.7,ro,vers=4,soft', READ_ONLY, 'addr=10.0.0.7,vers=4,soft'],
    ['size=64m,,mode=1777', 0, 'size=64m,mode=1777'],
    ['toString', 0, 'toString'],
  ];
  for (const [text, flags, data] of cases) {
    test(`reads ${text || 'nothing'}`, () => assert.equal(parseMountOptions(text), {flags, data}));
  }
});
