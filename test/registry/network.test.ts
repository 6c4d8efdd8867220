import * as assert from 'node:assert/strict';
import {missingFor} from '../helpers/requires.ts';
import {requireProgram} from '../helpers/run-program.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {failureOf, openTestClient} from './with-registry.ts';

const skip = missingFor('unshare', 'ip', 'mount');
const program = new URL('network-program.ts', import.meta.url).pathname;

/** What the program prints in a namespace of its own. */
async function runInNamespace(role: string): Promise<Record<string, unknown>> {
  using directory = makeTemporaryDirectory();
  const words = ['--net', '--mount', process.execPath, program, role, directory.path];
  return JSON.parse(await requireProgram('unshare', words));
}

describe('registry/network', ({test}) => {
  test('R17 a name that does not resolve is told as that, and not tried for long', async () => {
    const client = openTestClient();
    const error = await failureOf(client.getManifest({registry: 'registry.invalid', repository: 'a'}, '1'));
    client.close();
    assert.equal(error.code, 'REGISTRY_UNREACHABLE');
    assert.match(error.message, /no such host|cannot be resolved/);
  });

  test(
    'R17 an address that swallows every packet does not hide the one that works, in either family',
    async () => {
      const outcomes = await runInNamespace('names');
      assert.equal(outcomes['half.test'], 200);
      assert.equal(outcomes['six.test'], 200);
      assert.match(String(outcomes['hole.test']), /cannot be reached/);
    },
    {skip},
  );

  test(
    'R17 a link that is down for a while in the middle of a blob costs no byte twice',
    async () => {
      const {isWhole, ranges, error} = await runInNamespace('outage');
      assert.equal(error, undefined);
      assert.equal(isWhole, true);
      assert.ok(Array.isArray(ranges) && ranges.slice(1).every((range) => /^bytes=[1-9]\d+-$/.test(range)));
    },
    {skip},
  );
});
