import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {refuseOldCrun} from '../../src/runtime/refuse-old-crun.ts';
import {codeOf} from '../helpers/code-of.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';

describe('runtime/refuse-old-crun', ({test}) => {
  const codeFor = (version: string): string | null => {
    using directory = makeTemporaryDirectory();
    const path = join(directory.path, 'program');
    writeFileSync(path, `#!/bin/sh\necho '${version}'\n`, {mode: 0o755});
    return codeOf(() => refuseOldCrun(path));
  };

  test('refuses crun as long as it gives devices away', () => {
    for (const version of ['crun version 0.20', 'crun version 1.8.1', 'crun version 1.23.1']) {
      assert.is(codeFor(version), 'RUNTIME_UNSUPPORTED', version);
    }
  });

  test('takes newer ones, and others', () => {
    for (const version of ['crun version 1.24', 'crun version 1.24.1', 'crun version 2.0', 'youki version 0.3.3', '']) {
      assert.is(codeFor(version), null, version);
    }
    refuseOldCrun('/usr/sbin/runc');
  });
});
