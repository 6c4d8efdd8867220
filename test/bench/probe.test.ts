import {existsSync, mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import type {PeerDefinition} from '../../bench/peers/peer.ts';
import {PEERS, probePeers, wordsOf, wrapperOf} from '../../bench/peers/probe.ts';
import {describe} from '../helpers/suite.ts';

const definition = (name: string, probe: readonly string[]): PeerDefinition => ({
  name,
  words: ['sh'],
  probe,
  open: ({words, version, directory, removeDirectory}) => ({
    name,
    version,
    commands: {version: words},
    reset: () => removeDirectory(directory),
  }),
});

describe('bench/probe', ({test, before, after}) => {
  let stores = '';
  before(() => {
    stores = mkdtempSync(join(tmpdir(), 'bench-probe-'));
  });
  after(() => rmSync(stores, {recursive: true, force: true}));

  const probe = (definitions: readonly PeerDefinition[], environment: Record<string, string> = {}) =>
    probePeers(definitions, {environment, stores, images: []});

  test('finds the version in whatever the probe prints', async () => {
    const {present} = await probe([definition('chatty', ['-c', 'echo "Client:"; echo "  Version: 1.7.24~ds1"'])]);
    assert.equal(
      present.map(({name, version}) => [name, version]),
      [['chatty', '1.7.24~ds1']],
    );
  });

  test('says why a tool takes no part', async () => {
    const mute = definition('mute', ['-c', 'echo "cannot connect to the daemon" >&2; exit 1']);
    const {absent} = await probe([mute, definition('gone', [])], {BENCH_GONE: '/nowhere/gone'});
    assert.equal(absent, [
      {name: 'mute', reason: 'cannot connect to the daemon'},
      {name: 'gone', reason: 'not installed'},
    ]);
  });

  test('takes the words of a peer from the environment', () => {
    const podman = {...definition('podman', []), words: ['podman']};
    assert.equal(wordsOf(podman, {BENCH_PODMAN: ' chroot /other  podman '}), ['chroot', '/other', 'podman']);
    assert.equal(wordsOf(podman, {BENCH_PODMAN: ''}), ['podman']);
  });

  test('knows what stands in front of a program', () => {
    assert.equal(wrapperOf(['chroot', '/podman', '/usr/bin/podman', '--debug'], 'podman'), ['chroot', '/podman']);
    assert.equal(wrapperOf(['podman', '--log-level', 'error'], 'podman'), []);
    assert.equal(wrapperOf(['/opt/some-engine'], 'podman'), []);
  });

  test('leaves no stores behind', async () => {
    const {present} = await probe([definition('keeper', ['-c', 'echo 1.0'])]);
    mkdirSync(join(stores, 'keeper/deep'), {recursive: true});
    for (const peer of present) await peer.close();
    assert.not.ok(existsSync(stores));
  });

  test('compares everything with winch', () => {
    assert.is(PEERS[0]?.name, 'winch');
    assert.is(new Set(PEERS.map(({name}) => name)).size, PEERS.length);
  });
});
