import {spawnSync} from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {release} from 'node:os';
import {join, relative} from 'node:path';
import {text} from 'node:stream/consumers';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {busyboxImage} from '../../fixtures/busybox-image.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import type {WinchEvent} from '../../src/events.ts';
import {isInitialUserNamespace} from '../../src/host/user-namespace.ts';
import type {Toolkit, ToolkitOptions} from '../../src/toolkit.ts';
import {openTestStore, type TestStore} from '../helpers/open-store.ts';
import {missingFor} from '../helpers/requires.ts';
import {findStoreProblems} from '../helpers/store-problems.ts';
import {describe} from '../helpers/suite.ts';
import {waitFor} from '../helpers/wait-for.ts';

const skip = missingFor('runc', 'busybox', 'setfattr');
const setfattr = (...words: readonly string[]) => assert.is(spawnSync('setfattr', words).status, 0);
const REASON = 'this kernel has no such file system';

describe('containers: extracted layers', ({test: declare}) => {
  const test = (title: string, body: (store: TestStore) => unknown, options: Partial<ToolkitOptions> = {}) =>
    declare(
      title,
      async () => {
        await using registry = await startRegistry();
        const upper = buildTar([
          {path: 'etc/.wh.group'},
          {path: 'etc/more', content: 'more', xattrs: {'user.kind': 'right'}},
          {path: 'opt/.wh..wh..opq'},
          {path: 'only/.wh.ghost'},
        ]);
        registry.put('box', '1', busyboxImage({layers: [upper]}));
        await using store = await openTestStore({snapshotter: 'overlay', ...options});
        await store.toolkit.images.pull(`${registry.host}/box:1`, {platform: 'linux/amd64'});
        await store.toolkit.images.tag(`${registry.host}/box:1`, 'box');
        await store.toolkit.images.untag([`${registry.host}/box:1`]);
        await body(store);
        assert.equal(findStoreProblems(store.root), []);
      },
      {skip},
    );
  const start = async (toolkit: Toolkit, script: string) => {
    const events: WinchEvent[] = [];
    const container = await toolkit.containers.spawn(
      {image: 'box', policy: 'never', interactive: true, container: {command: ['sh', '-c', script]}},
      {onEvent: (event) => void events.push(event)},
    );
    return {container, events};
  };
  const run = async (toolkit: Toolkit, script: string) => {
    const {container, events} = await start(toolkit, script);
    await using _container = container;
    container.stdin.end();
    const output = await text(container.stdout);
    await container.finished;
    return {output, events, extracted: events.filter(({type}) => type === 'layer:extracting').length};
  };
  const layerDirectories = ({root}: TestStore) =>
    readdirSync(join(root, 'layers/sha256')).map((name) => join(root, 'layers/sha256', name));
  const remember = ({root}: TestStore, kernel: string) => {
    const directory = join(root, '..', 'run');
    mkdirSync(directory, {recursive: true});
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const facts = {kernel, boot, isInitial: isInitialUserNamespace(), name: 'overlay', reason: REASON};
    writeFileSync(join(directory, 'snapshotter.json'), JSON.stringify(facts));
  };

  test('layers are extracted once, and whiteouts hide what they name', async (store) => {
    const first = await run(
      store.toolkit,
      'cd etc; ls -d more passwd group; cd ..; ls only; cat etc/more; echo x > etc/more',
    );
    assert.equal([first.output, first.extracted], ['more\npasswd\nmore', 2]);
    const second = await run(store.toolkit, 'cat etc/more');
    assert.equal([second.output, second.extracted], ['more', 0]);
    assert.equal(readdirSync(join(store.root, 'ingest')), []);
  });

  test('half a layer is extracted again', async (store) => {
    await run(store.toolkit, 'true');
    const [damaged = ''] = layerDirectories(store);
    rmSync(join(damaged, 'fs/complete'));
    rmSync(join(damaged, 'fs/tree'), {recursive: true});
    const {findings, isClean} = await store.toolkit.images.check();
    assert.equal([findings.map(({code}) => code), isClean], [['TREE_UNFINISHED'], true]);
    const again = await run(store.toolkit, 'cat etc/more');
    assert.equal([again.output, again.extracted], ['more', 1]);
  });

  const HARMS: Readonly<Record<string, (file: string) => void>> = {
    'another byte': (file) => writeFileSync(file, readFileSync(file, 'utf8').replace('m', 'n')),
    'another mode': (file) => chmodSync(file, 0o600),
    'another owner': (file) => lchownSync(file, 1, 0),
    'an attribute too many': (file) => setfattr('-n', 'trusted.overlay.metacopy', file),
    'another attribute': (file) => setfattr('-n', 'user.kind', '-v', 'other', file),
    'a missing attribute': (file) => setfattr('-x', 'user.kind', file),
    'a missing file': (file) => rmSync(file),
    'a file too many': (file) => writeFileSync(`${file}.new`, ''),
  };
  for (const [harm, doHarm] of Object.entries(HARMS)) {
    test(`a deep check finds ${harm} in an extracted layer, and a repair has it extracted again`, async (store) => {
      await run(store.toolkit, 'true');
      const check = (repair: boolean) => store.toolkit.images.check({deep: true, repair});
      assert.equal((await check(false)).findings, []);
      const [file = ''] = layerDirectories(store)
        .map((path) => join(path, 'fs/tree/etc/more'))
        .filter(existsSync);
      const {mtime} = statSync(file);
      doHarm(file);
      if (existsSync(file)) utimesSync(file, mtime, mtime);
      utimesSync(join(file, '..'), 0, 0);
      const [damage, ...others] = (await check(false)).findings;
      assert.equal(
        [damage?.code, damage?.path, others],
        ['TREE_CONTENT', relative(store.root, file.slice(0, -14)), []],
      );
      assert.match(damage?.detail ?? '', /^"etc(?:\/more(?:\.new)?)?" is not what/);
      assert.ok((await check(true)).isClean);
      assert.equal(
        (await check(false)).findings.filter(({isDamage}) => isDamage),
        [],
      );
      const again = await run(store.toolkit, 'cat etc/more; ls etc/more.new');
      assert.equal([again.output, again.extracted], ['more', 1]);
    });
  }

  test('a deep check finds a lost mark of an opaque directory, which a repair brings back', async (store) => {
    await run(store.toolkit, 'true');
    const [opaque = ''] = layerDirectories(store)
      .map((path) => join(path, 'fs/tree/opt'))
      .filter(existsSync);
    setfattr('-x', 'trusted.overlay.opaque', opaque);
    const [damage] = (await store.toolkit.images.check({deep: true})).findings;
    assert.equal([damage?.code, damage?.detail], ['TREE_CONTENT', '"opt" is not what the layer file has']);
    await store.toolkit.images.check({deep: true, repair: true});
    assert.is((await run(store.toolkit, 'true')).extracted, 1);
    const {findings} = await store.toolkit.images.check({deep: true});
    assert.not(findings.some(({isDamage}) => isDamage));
  });

  test('a repair leaves the layer of a running container, names it, and is done after it', async (store) => {
    const {container, events} = await start(store.toolkit, 'read line; cat etc/more');
    await using _container = container;
    await waitFor(() => events.some(({type}) => type === 'container:started'));
    const [file = ''] = layerDirectories(store)
      .map((path) => join(path, 'fs/tree/etc/more'))
      .filter(existsSync);
    lchownSync(file, 1, 1);
    const repair = () => store.toolkit.images.check({deep: true, repair: true});
    const {repairs, isClean} = await repair();
    assert.equal([repairs.map(({outcome}) => outcome), isClean], [['kept'], false]);
    assert.match(
      repairs[0]?.detail ?? '',
      new RegExp(`^container ${readdirSync(join(store.root, 'containers')).at(-1)} uses it`),
    );
    container.stdin.end('go on\n');
    assert.is(await text(container.stdout), 'more');
    await container.finished;
    assert.equal(
      (await repair()).repairs.map(({outcome}) => outcome),
      ['repaired'],
    );
  });

  test('a removed image stays whole for its containers, and goes with all of it after them', async (store) => {
    const {container, events} = await start(store.toolkit, 'read line; cat etc/more; exec ls bin/busybox');
    await using _container = container;
    await waitFor(() => events.some(({type}) => type === 'container:started'));
    const report = await store.toolkit.images.remove(['box'], {force: true});
    assert.is(report.deleted.length, 1);
    assert.is(layerDirectories(store).length, 2);
    container.stdin.end('go on\n');
    assert.is(await text(container.stdout), 'morebin/busybox\n');
    await container.finished;
    await store.toolkit.images.prune();
    assert.equal(layerDirectories(store), []);
  });

  test(
    'what a probe has found counts, and is said where it costs something',
    async (store) => {
      remember(store, release());
      const warnings = ({events}: {readonly events: readonly WinchEvent[]}) =>
        events.flatMap((event) => (event.type === 'warning:raised' ? [`${event.code}: ${event.message}`] : []));
      const first = await run(store.toolkit, 'true');
      assert.equal([first.extracted, warnings(first).length], [2, 1]);
      assert.match(warnings(first)[0] ?? '', new RegExp(`^SNAPSHOTTER_FALLBACK: .*${REASON}`));
      assert.equal(warnings(await run(store.toolkit, 'true')), []);
    },
    {snapshotter: undefined},
  );

  test(
    'what another kernel could do does not count',
    async (store) => {
      remember(store, `${release()}-other`);
      assert.is((await run(store.toolkit, 'true')).extracted, 0);
      assert.not(layerDirectories(store).some((path) => existsSync(join(path, 'fs'))));
      const {name, reason, isForced} = (await store.toolkit.info()).snapshotter;
      assert.equal([name, reason, isForced], ['erofs', null, false]);
    },
    {snapshotter: undefined},
  );
});
