import * as assert from 'uvu/assert';
import {imageOf} from '../../fixtures/runtime-spec/cases.ts';
import {validateVolumes} from '../../src/bundle/volumes.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';

const codeFor = (path: string) => codeOf(() => validateVolumes(imageOf({Volumes: {[path]: {}}})));

describe('bundle/volumes', ({test}) => {
  for (const path of ['', 'data', '/', '/.', '/../../../etc', '/a/../b', '/proc', '/proc/self', '//proc/x', '/a\0']) {
    test(`M11 refuses ${JSON.stringify(path)} (CVE-2022-23648, CVE-2019-16884)`, () => {
      assert.is(codeFor(path), 'VOLUME_INVALID');
    });
  }

  test('accepts what images use, that of systemd included', () => {
    for (const path of ['/data', '/var/lib/x/', '/sys/fs/cgroup', '/processes']) assert.is(codeFor(path), null, path);
    validateVolumes(null);
  });
});
