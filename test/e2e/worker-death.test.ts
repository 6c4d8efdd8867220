import {fileURLToPath} from 'node:url';
import * as assert from 'uvu/assert';
import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {describe} from '../helpers/suite.ts';
import {makeWinch, type Winch} from '../helpers/winch.ts';

const DYING_THREAD = fileURLToPath(new URL('./dying-thread.ts', import.meta.url));
/** Of what a pull has to say of it, beside the hint in a line of its own. */
const REPORT = /^winch: WORKER_FAILED: layer sha256:[0-9a-f]{64}: a worker thread died: [^\n]+:\n {2}[^\n]+\n$/;

describe('e2e/worker-death', ({test, before, after}) => {
  let winch: Winch;
  let registry: RegistryServer;
  const image = buildImage({layers: ['slow', 'quick'].map((path) => buildTar([{path}]))});
  before(async () => {
    winch = makeWinch();
    registry = await startRegistry();
    registry.put('app', '1', image);
  });
  after(async () => {
    await registry.close();
    winch[Symbol.dispose]();
  });

  for (const [death, reason] of [
    ['exit', 'ended from outside'],
    ['throw', 'out of luck'],
  ] as const) {
    test(
      `T34 a thread that dies (${death}) fails the whole pull in one line, while another layer waits`,
      async () => {
        registry.setFaults([{on: 'blob', matching: `${image.layers[0]?.digest}`, hang: true}]);
        const env = {NODE_OPTIONS: `--import=${DYING_THREAD}`, THREAD_DEATH: death};
        const {exitCode, stdout, stderr} = await winch.run(['pull', '-q', `${registry.host}/app:1`], {env});
        assert.is(exitCode, 6, stderr);
        assert.is(stdout, '');
        assert.match(stderr, REPORT);
        assert.match(stderr, reason);
      },
      {timeoutMs: 20_000},
    );
  }

  test('T34 a later pull goes on where threads have died', async () => {
    registry.setFaults([]);
    const {exitCode, stderr} = await winch.run(['pull', '-q', `${registry.host}/app:1`]);
    assert.is(exitCode, 0, stderr);
    assert.is((await winch.run(['check'])).exitCode, 0);
  });
});
