import {existsSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {buildTar} from '../../fixtures/build-tar.ts';
import {isWinchError} from '../../src/errors.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {listTree} from '../helpers/file-tree.ts';
import {fsckFindings, fsckSkip} from '../helpers/fsck-erofs.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';
import {describeListing, type HostileLayer, hostileLayers} from './hostile-layers.ts';
import {makeLayerFixture} from './layer-fixture.ts';
import {listMounted, mountSkip} from './mounted-tree.ts';

describe('layers (hostile)', ({test, after}) => {
  const fixture = makeLayerFixture();
  after(fixture.remove);
  const canary = join(fixture.directory, 'canary');
  mkdirSync(canary);
  writeFileSync(join(canary, 'secret'), 'secret');
  const untouched = listTree(canary);

  for (const hostile of hostileLayers(canary)) {
    const {id, title, expected} = hostile;
    const isShown = 'shows' in expected;
    const body = () => (isShown ? showLayer(hostile) : refuseLayer(hostile));
    test(`${id} ${title}`, body, {skip: isShown ? mountSkip : undefined});
  }

  const tarOf = ({layer, trailer}: HostileLayer) => buildTar(layer, trailer === undefined ? {} : {trailer});

  async function refuseLayer(hostile: HostileLayer) {
    if ('shows' in hostile.expected) return;
    const tar = tarOf(hostile);
    const path = fixture.path();
    const error = await rejectionOf(fixture.write(tar, {expectedDiffId: digestOf(tar)}));
    assert.ok(isWinchError(error, hostile.expected.refused), `${error.code}: ${error.message}`);
    assert.is(error.kind, 'refused');
    assert.match(error.message, hostile.expected.message ?? /./);
    assert.not.ok(existsSync(path));
    assert.equal(listTree(canary), untouched);
  }

  async function showLayer(hostile: HostileLayer) {
    if (!('shows' in hostile.expected)) return;
    const {shows, check, warning} = hostile.expected;
    const base = await fixture.layer(hostile.base ?? []);
    const {path, warnings} = await fixture.write(tarOf(hostile));
    const files = listMounted(fixture.mountPoint, [base, path]);
    assert.equal(describeListing(files), shows);
    check?.(files);
    assert.match(warnings.join('\n'), warning ?? /^$/);
    assert.equal(listTree(canary), untouched);
  }

  test(
    'fsck.erofs passes the layer file of each row that is accepted',
    async () => {
      for (const hostile of hostileLayers(canary).filter(({expected}) => 'shows' in expected)) {
        const {path} = await fixture.write(tarOf(hostile));
        assert.is(fsckFindings(path), null, `${hostile.id} ${hostile.title}`);
      }
    },
    {skip: fsckSkip},
  );
});
