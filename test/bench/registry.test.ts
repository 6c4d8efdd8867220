import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import * as assert from 'uvu/assert';
import {prepareLayout, writeImage, writeLayer} from '../../bench/images/layout.ts';
import type {BuiltImages} from '../../bench/images/recipes.ts';
import {smallTree} from '../../bench/images/trees.ts';
import {type Registry, serveFromMemory, serveImages} from '../../bench/registry.ts';
import {describe} from '../helpers/suite.ts';

describe('bench/registry', ({test, before, after}) => {
  const {signal} = new AbortController();
  const directory = mkdtempSync(join(tmpdir(), 'bench-registry-'));
  const layout = join(directory, 'layout');
  let built: BuiltImages = {layout, directory, images: new Map()};
  before(async () => {
    await prepareLayout(layout);
    const layers = [await writeLayer(layout, smallTree(1)())];
    built = {...built, images: new Map([['base', await writeImage(layout, 'base', {architecture: 'amd64', layers})]])};
  });
  after(() => rmSync(directory, {recursive: true}));

  const servedLayer = async ({host}: Registry): Promise<number> => {
    const headers = {accept: 'application/vnd.oci.image.manifest.v1+json'};
    const manifest = await fetch(`http://${host}/v2/bench/base/manifests/1`, {headers});
    const {layers} = (await manifest.json()) as {layers: {digest: string}[]};
    const layer = await fetch(`http://${host}/v2/bench/base/blobs/${layers[0]?.digest}`);
    return (await layer.arrayBuffer()).byteLength;
  };
  const size = () => built.images.get('base')?.layers[0]?.size;

  test('serves the images of a layout, and again from what was pushed before', async () => {
    for (let round = 0; round < 2; round++) {
      await using registry = await serveImages(built, signal);
      assert.is(await servedLayer(registry), size());
    }
  });

  test('needs no program but Node for it', async () => {
    await using registry = await serveFromMemory(built, signal);
    assert.is(await servedLayer(registry), size());
  });

  test('says why a registry did not start', async () => {
    const error = await serveFromMemory({...built, layout: '/nowhere'}, signal).then(
      () => null,
      (reason: Error) => reason.message,
    );
    assert.match(error ?? '', /the registry ended with 1: .*ENOENT/s);
  });
});
