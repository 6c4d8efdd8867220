import * as assert from 'node:assert/strict';
import {isWinchError} from '../../src/errors.ts';
import {checkRealm} from '../../src/registry/realm.ts';
import {describe} from '../helpers/suite.ts';

const accepts = (realm: string, registry: string) => assert.equal(checkRealm(realm, new URL(registry)).href, realm);

function refuses(realm: string | undefined, registry: string): void {
  assert.throws(
    () => checkRealm(realm, new URL(registry)),
    (error: unknown) => isWinchError(error, 'REALM_REFUSED') && error.kind === 'unauthorized',
    `${realm} for ${registry}`,
  );
}

describe('registry/realm', ({test}) => {
  test('accepts a token server of another name over HTTPS', () => {
    accepts('https://auth.docker.io/token', 'https://registry-1.docker.io');
    accepts('https://auth.example:8443/token?account=x', 'https://10.0.0.1:5000');
  });

  test('accepts HTTP only when the registry itself speaks it', () => {
    accepts('http://127.0.0.1:5001/token', 'http://127.0.0.1:5000');
    refuses('http://auth.example/token', 'https://registry.example');
    refuses('http://registry.example/token', 'https://registry.example');
  });

  test('refuses loopback, link-local and private addresses for a registry elsewhere', () => {
    const hosts = [
      '127.0.0.1',
      'localhost',
      '169.254.169.254',
      '10.0.0.1',
      '192.168.0.1',
      '[::1]',
      '[fe80::1]',
      '0.0.0.0',
    ];
    for (const host of [...hosts, '[::ffff:169.254.169.254]', '2130706433', '0x7f000001']) {
      refuses(`https://${host}/token`, 'https://registry.example');
    }
    refuses('http://169.254.169.254/token', 'http://127.0.0.1:5000');
  });

  test('accepts such an address for the same host, or for a registry at one of its class', () => {
    accepts('https://10.0.0.1:5000/token', 'https://10.0.0.1:5000');
    accepts('https://10.0.0.2/token', 'https://192.168.0.1');
    accepts('http://localhost:5001/token', 'http://127.0.0.1:5000');
  });

  test('refuses user names, other schemes, relative URLs and none at all', () => {
    refuses('https://user@auth.example/token', 'https://registry.example');
    refuses('https://:secret@auth.example/token', 'https://registry.example');
    refuses('file:///etc/passwd', 'https://registry.example');
    refuses('/token', 'https://registry.example');
    refuses('', 'https://registry.example');
    refuses(undefined, 'https://registry.example');
  });

  test('names the registry and the fault, and repeats neither query nor password', () => {
    try {
      checkRealm('https://u:canary@auth.example/token?canary=1', new URL('https://registry.example'));
    } catch (error) {
      assert.ok(isWinchError(error));
      assert.match(error.message, /registry\.example asks to log in at https:\/\/auth\.example\/token, a user name/);
      assert.doesNotMatch(error.message, /canary/);
    }
  });

  test('A01 refuses every hidden place and downgrade for a public registry', () => {
    const realms = [
      'http://auth.example/token',
      'https://169.254.169.254/latest/meta-data',
      'https://[::ffff:169.254.169.254]/token',
      'https://[::ffff:a9fe:a9fe]/token',
      'https://0.0.0.0/token',
      'https://[::]/token',
      'https://[::1]/token',
      'https://0251.0376.0251.0376/token',
      'https://2852039166/token',
      'https://localhost./token',
      'https://metadata.localhost/token',
      'https://user:canary@auth.example/token',
      'file:///etc/passwd',
      'ftp://auth.example/token',
      'javascript:alert(1)',
      'data:text/plain,x',
      '/token',
      '//auth.example/token',
      'https://',
    ];
    for (const realm of realms) refuses(realm, 'https://registry.example');
    for (const realm of realms.slice(0, 4)) refuses(realm, 'https://10.0.0.1');
  });
});
