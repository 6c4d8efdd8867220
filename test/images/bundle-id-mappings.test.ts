import {spawnSync} from 'node:child_process';
import {chmodSync, existsSync, readFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar, type TarEntry} from '../../fixtures/build-tar.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {listTree} from '../helpers/file-tree.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {missingFor} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';
import {imageOf} from './sample-images.ts';

const platform = 'linux/amd64';
const RANGE = {containerID: 0, hostID: 200_000, size: 1000};
const MAPPED = {uids: [RANGE], gids: [{...RANGE, hostID: 300_000}]};
const BUSYBOX = '/bin/busybox';

const files = (): readonly TarEntry[] => [
  {path: './', type: 'directory', mode: 0o755},
  {path: 'bin/busybox', content: existsSync(BUSYBOX) ? readFileSync(BUSYBOX) : '', mode: 0o755},
  {path: 'etc/', type: 'directory', mode: 0o755, uid: 3, gid: 4},
  {path: 'etc/own', content: 'x', uid: 7, gid: 8, mode: 0o4755},
  {path: 'etc/again', type: 'hardlink', linkPath: 'etc/own'},
  {path: 'etc/link', type: 'symlink', linkPath: 'own', uid: 7, gid: 8},
  {path: 'proc/', type: 'directory'},
  {path: 'sys/', type: 'directory'},
  {path: 'dev/', type: 'directory'},
];

async function openImage(entries: readonly TarEntry[]) {
  const registry = await startRegistry();
  const store = await openTestStore();
  // As root of its namespace, a container has to get through here.
  chmodSync(dirname(store.root), 0o711);
  registry.put('app', '1', imageOf([buildTar(entries)]));
  const name = `${registry.host}/app:1`;
  await store.toolkit.images.pull(name, {platform});
  await registry.close();
  return {...store, name, directory: join(dirname(store.root), 'bundle')};
}

describe('images/bundle-id-mappings', ({test}) => {
  test(
    'files belong to the users of the host that stand for those of the image',
    async () => {
      await using image = await openImage(files());
      const container = {command: ['sh']};
      const {directory} = image;
      await image.toolkit.images.bundle(image.name, directory, {platform, container, idMappings: MAPPED});
      const found = listTree(directory);
      const owners = ['.', './rootfs', './rootfs/etc', './rootfs/etc/own', './rootfs/etc/again', './rootfs/etc/link'];
      assert.equal(
        owners.map((path) => found[path]?.owner),
        ['200000:300000', '200000:300000', '200003:300004', '200007:300008', '200007:300008', '200007:300008'],
      );
      assert.is(found['./rootfs/etc/own']?.permissions, '4755');
      const {linux} = JSON.parse(readFileSync(join(directory, 'config.json'), 'utf8'));
      assert.equal([linux.uidMappings, linux.gidMappings], [MAPPED.uids, MAPPED.gids]);
      assert.ok(linux.namespaces.some(({type}: {type: string}) => type === 'user'));
    },
    {skip: missingFor()},
  );

  for (const network of ['none', 'host'] as const) {
    test(
      `a runtime runs it, and the owners are those of the image: network ${network}`,
      async () => {
        await using image = await openImage(files());
        const script = 'busybox stat -c %u:%g /etc/own; busybox id -u; busybox cat /proc/self/uid_map';
        const container = {command: ['/bin/busybox', 'sh', '-c', script], network};
        const {directory} = image;
        await image.toolkit.images.bundle(image.name, directory, {platform, container, idMappings: MAPPED});
        const words = ['run', '--bundle', directory, `winch-test-${process.pid}-${network}`];
        const {stdout, stderr} = spawnSync('runc', words, {encoding: 'utf8'});
        assert.is(stderr, '');
        assert.equal(stdout.trim().split(/\s+/), ['7:8', '0', '0', '200000', '1000']);
      },
      {skip: existsSync(BUSYBOX) ? missingFor('runc') : 'busybox-static is not installed'},
    );
  }

  test(
    'names the file whose owner is not mapped, and leaves nothing',
    async () => {
      await using image = await openImage([...files(), {path: 'etc/far', content: 'x', gid: 5000}]);
      const options = {platform, container: {command: ['sh']}, idMappings: MAPPED};
      const error = await rejectionOf(image.toolkit.images.bundle(image.name, image.directory, options));
      assert.is(error.code, 'OWNER_UNMAPPED');
      assert.match(error.message, '/etc/far" belongs to group 5000');
      assert.not(existsSync(image.directory));
    },
    {skip: missingFor()},
  );

  test(
    'a container whose user is not mapped is refused',
    async () => {
      await using image = await openImage(files());
      const options = {platform, container: {command: ['sh'], user: '5000:0'}, idMappings: MAPPED};
      const error = await rejectionOf(image.toolkit.images.bundle(image.name, image.directory, options));
      assert.is(error.code, 'USER_UNMAPPED');
    },
    {skip: missingFor()},
  );

  test('mappings that the kernel would refuse are refused before anything is written', async () => {
    await using image = await openImage(files());
    const options = {platform, container: {command: ['sh']}, idMappings: {uids: [RANGE, RANGE], gids: [RANGE]}};
    const error = await rejectionOf(image.toolkit.images.bundle(image.name, image.directory, options));
    assert.is(error.code, 'ID_MAPPING_INVALID');
  });
});
