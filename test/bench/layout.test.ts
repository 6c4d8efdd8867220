import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {gunzipSync} from 'node:zlib';
import * as assert from 'uvu/assert';
import {blobPath, prepareLayout, writeImage, writeLayer} from '../../bench/images/layout.ts';
import {isStatic, staticExecutable} from '../../bench/images/static-executable.ts';
import {baseTree, nodeModulesTree, smallTree} from '../../bench/images/trees.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {describe} from '../helpers/suite.ts';

describe('bench/layout', ({test, before, after}) => {
  let layout = '';
  before(async () => {
    layout = mkdtempSync(join(tmpdir(), 'bench-layout-'));
    await prepareLayout(layout);
  });
  after(() => rmSync(layout, {recursive: true}));

  test('streams the same bytes that a tar built in memory has', async () => {
    const tree = nodeModulesTree({files: 200});
    const layer = await writeLayer(layout, tree());
    const bytes = readFileSync(blobPath(layout, layer.digest));
    const tar = gunzipSync(bytes);
    assert.is(layer.size, bytes.length);
    assert.is(layer.digest, digestOf(bytes));
    assert.is(layer.diffId, digestOf(tar));
    assert.ok(tar.equals(buildTar([...tree()])));
  });

  test('builds equal layers from equal recipes, and others from others', async () => {
    const [one, same, other] = [
      await writeLayer(layout, smallTree(1)()),
      await writeLayer(layout, smallTree(1)()),
      await writeLayer(layout, smallTree(2)()),
    ];
    assert.equal(one, same);
    assert.is.not(one.digest, other.digest);
  });

  test('has text that deflates as published JavaScript does', async () => {
    const {digest, size} = await writeLayer(layout, nodeModulesTree({files: 1500})());
    const ratio = gunzipSync(readFileSync(blobPath(layout, digest))).length / size;
    assert.ok(ratio > 4 && ratio < 6, `ratio ${ratio}`);
  });

  test('names every path of a tree once', () => {
    for (const tree of [baseTree(Buffer.alloc(9), {files: 100}), nodeModulesTree({files: 100}), smallTree(1)]) {
      const paths = [...tree()].map(({path}) => String(path));
      assert.is(new Set(paths).size, paths.length);
    }
  });

  test('describes images in an index that keeps the others', async () => {
    const layer = await writeLayer(layout, smallTree(3)());
    const parts = {architecture: 'amd64', layers: [layer]};
    const image = await writeImage(layout, 'one', parts);
    await writeImage(layout, 'two', {...parts, layers: [layer, layer]});
    assert.equal(await writeImage(layout, 'one', parts), image);
    const {manifests} = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
    const names = manifests.map((one: {annotations: object}) => Object.values(one.annotations)[0]);
    assert.equal(names, ['two', 'one']);
    const manifest = JSON.parse(readFileSync(blobPath(layout, image.manifestDigest), 'utf8'));
    assert.equal([manifest.layers[0].digest, manifest.layers[0].size], [layer.digest, layer.size]);
  });

  test('puts a program into images that needs no library', async () => {
    assert.ok(isStatic((await staticExecutable()).bytes));
    assert.not.ok(isStatic(readFileSync(process.execPath)));
    assert.not.ok(isStatic(Buffer.from('#!/bin/sh\n')));
  });
});
