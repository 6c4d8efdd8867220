import * as assert from 'node:assert/strict';
import {apiHost, type InsecureRegistries, insecurityOf, originsOf} from '../../src/registry/hosts.ts';
import {describe} from '../helpers/suite.ts';

const isInsecureHost = (host: string, insecure: InsecureRegistries) => insecurityOf(host, insecure) !== null;
const registryOrigins = (registry: string, insecure: InsecureRegistries) =>
  originsOf(registry, isInsecureHost(apiHost(registry), insecure));

describe('registry/hosts', ({test}) => {
  test('asks a registry over HTTPS only', () => {
    assert.deepEqual(registryOrigins('ghcr.io', []), ['https://ghcr.io']);
    assert.deepEqual(registryOrigins('10.0.0.5:5000', []), ['https://10.0.0.5:5000']);
  });

  test('asks Docker Hub at its API host', () => {
    assert.deepEqual(registryOrigins('docker.io', []), ['https://registry-1.docker.io']);
  });

  test('tries HTTP first on a loopback port, and HTTPS after it', () => {
    for (const host of ['localhost:5000', '127.0.0.1:5000', '[::1]:5000', '127.9.9.9:1']) {
      assert.deepEqual(registryOrigins(host, []), [`http://${host}`, `https://${host}`]);
    }
  });

  test('tries HTTPS first on loopback without a port, or on 443', () => {
    assert.deepEqual(registryOrigins('localhost', []), ['https://localhost', 'http://localhost']);
    assert.deepEqual(registryOrigins('localhost:443', []), ['https://localhost:443', 'http://localhost:443']);
  });

  test('tries HTTPS first where a registry is named as insecure', () => {
    const origins = ['https://r.example:5000', 'http://r.example:5000'];
    assert.deepEqual(registryOrigins('r.example:5000', ['r.example:5000']), origins);
    assert.deepEqual(registryOrigins('r.example:5000', 'all'), origins);
  });

  test('holds insecurity to the host and port that were named', () => {
    assert.equal(isInsecureHost('r.example:5000', ['r.example']), false);
    assert.equal(isInsecureHost('r.example', ['r.example:5000']), false);
    assert.equal(isInsecureHost('r.example', ['r.example']), true);
    assert.equal(isInsecureHost('r.example', ['R.Example:443', 'no host']), true);
  });
});
