import * as assert from 'uvu/assert';
import {buildCertificate} from '../../fixtures/build-certificate.ts';
import {describeDocument, jsonDocument} from '../../fixtures/build-image.ts';
import {type RegistryServer, startRegistry} from '../../fixtures/registry-server.ts';
import {exitCodeOf} from '../../src/cli/exit-codes.ts';
import {isWinchError} from '../../src/errors.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {describe} from '../helpers/suite.ts';
import {baseTar, imageOf} from './sample-images.ts';

const OCI_MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const FOREIGN = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';
const AMD64 = {platform: 'linux/amd64'};
const CANARY = 'canary-5d1f';

const image = imageOf([baseTar]);
const layer = image.layers[0] ?? image.config;

/** A registry with a login, and another host that holds the layer. */
async function startHosts(elsewhere: Parameters<typeof startRegistry>[0] = {}) {
  const registry = await startRegistry({challenge: 'basic', users: {ann: CANARY}});
  const attacker = await startRegistry({tls: buildCertificate(), ...elsewhere});
  attacker.putBlob('files', layer.bytes, layer.digest);
  const credential = {registries: [registry.host], credential: {username: 'ann', password: CANARY}};
  const store = await openTestStore({credential});
  return {
    registry,
    attacker,
    images: store.toolkit.images,
    reference: `${registry.host}/app:1`,
    place: `${attacker.origin}/v2/files/blobs/${layer.digest}`,
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
      await attacker.close();
    },
  };
}

function putForeign(registry: RegistryServer, urls: readonly string[], isHeld = false): void {
  registry.putBlob('app', image.config.bytes, image.config.digest);
  if (isHeld) registry.putBlob('app', layer.bytes, layer.digest);
  const layers = [{...describeDocument(layer), mediaType: FOREIGN, urls}];
  const manifest = {schemaVersion: 2, mediaType: OCI_MANIFEST, config: describeDocument(image.config), layers};
  registry.put('app', '1', jsonDocument(OCI_MANIFEST, manifest));
}

const failureOf = async (pull: Promise<unknown>): Promise<unknown> =>
  await pull.then(
    () => null,
    (reason: unknown) => reason,
  );

const sawCanary = ({requests}: RegistryServer): boolean =>
  requests.some(({headers, url}) => headers.authorization !== undefined || `${url}`.includes(CANARY));

describe('images/foreign-layers', ({test}) => {
  test('M13 takes the layer from the registry, and asks no other place', async () => {
    await using hosts = await startHosts();
    putForeign(hosts.registry, [hosts.place, 'http://169.254.169.254/latest'], true);
    await hosts.images.pull(hosts.reference, AMD64);
    await hosts.images.remove([hosts.reference]);
    await hosts.images.pull(hosts.reference, {...AMD64, foreignLayers: 'fetch'});
    assert.is(hosts.attacker.requests.length, 0);
  });

  test('M13 fails where the registry has it not, names the place and asks it nothing', async () => {
    await using hosts = await startHosts();
    putForeign(hosts.registry, [hosts.place]);
    const error = await failureOf(hosts.images.pull(hosts.reference, AMD64));
    assert.ok(isWinchError(error, 'FOREIGN_LAYER'));
    assert.match(error.hint ?? '', hosts.attacker.host);
    assert.is(exitCodeOf(error), 4);
    assert.is(hosts.attacker.requests.length, 0);
    assert.equal(await hosts.images.list(), []);
  });

  test('M13 fetches it from its place when told to, and shows no login there', async () => {
    await using hosts = await startHosts();
    putForeign(hosts.registry, ['https://127.0.0.1:1/none', hosts.place]);
    const pulled = await hosts.images.pull(hosts.reference, {...AMD64, foreignLayers: 'fetch'});
    assert.is(pulled.receivedBytes, layer.bytes.length);
    assert.ok(hosts.registry.requests.some(({headers}) => headers.authorization !== undefined));
    assert.is(hosts.attacker.requests.length, 1);
    assert.not.ok(sawCanary(hosts.attacker));
  });

  test('M13 answers no challenge of a place', async () => {
    await using hosts = await startHosts({challenge: 'bearer', users: {ann: CANARY}});
    putForeign(hosts.registry, [hosts.place]);
    const error = await failureOf(hosts.images.pull(hosts.reference, {...AMD64, foreignLayers: 'fetch'}));
    assert.ok(isWinchError(error, 'FOREIGN_LAYER_UNAVAILABLE'));
    assert.is(exitCodeOf(error), 4);
    assert.equal(
      hosts.attacker.requests.map(({class: kind}) => kind),
      ['blob'],
    );
    assert.not.ok(sawCanary(hosts.attacker));
  });

  test('M13 checks what a place gives', async () => {
    await using hosts = await startHosts();
    putForeign(hosts.registry, [hosts.place]);
    hosts.attacker.setFaults([{on: 'blob', flipByteAt: 30}]);
    const error = await failureOf(hosts.images.pull(hosts.reference, {...AMD64, foreignLayers: 'fetch'}));
    assert.ok(isWinchError(error, 'DIGEST_MISMATCH'));
  });

  test('M13 asks no place without HTTPS, with a login, or on a network that the registry is not on', async () => {
    await using hosts = await startHosts();
    const plain = await startRegistry();
    const redirecting = hosts.place.replace('/files/', '/moved/');
    putForeign(hosts.registry, [
      `${plain.origin}/v2/files/blobs/${layer.digest}`,
      hosts.place.replace('https://', `https://ann:${CANARY}@`),
      'https://169.254.169.254/latest/meta-data',
      'https://[::ffff:169.254.169.254]/',
      'https://10.0.0.1/layer',
      'file:///etc/shadow',
      '//nothing',
      redirecting,
    ]);
    hosts.attacker.setFaults([{on: 'blob', matching: '/moved/', redirectTo: 'https://10.0.0.1'}]);
    const error = await failureOf(hosts.images.pull(hosts.reference, {...AMD64, foreignLayers: 'fetch'}));
    await plain.close();
    assert.ok(isWinchError(error, 'FOREIGN_LAYER_UNAVAILABLE'));
    assert.match(error.message, /169\.254\.169\.254 is a link-local address/);
    assert.match(error.message, /10\.0\.0\.1 is a private address/);
    assert.not.match(error.message, CANARY);
    assert.is(plain.requests.length, 0);
    assert.equal(
      hosts.attacker.requests.map(({url}) => url),
      [new URL(redirecting).pathname],
    );
  });
});
