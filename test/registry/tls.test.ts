import * as assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdirSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {dirname, join} from 'node:path';
import {buildAuthority, buildCertificate} from '../../fixtures/build-certificate.ts';
import {startRegistry} from '../../fixtures/registry-server.ts';
import {hostFiles} from '../../src/images/read-host-configuration.ts';
import type {RegistryClient} from '../../src/registry/client.ts';
import {type HostDirectoryOptions, openHostDirectory} from '../../src/registry/host-directory.ts';
import {describe} from '../helpers/suite.ts';
import {makeTemporaryDirectory} from '../helpers/temporary-directory.ts';
import {memoryFiles} from './memory-files.ts';
import {failureOf, IMAGE, openTestClient} from './with-registry.ts';

const authority = buildAuthority();
const REPOSITORY = 'team/app';

function clientWith(files: Readonly<Record<string, string>>, options: Partial<HostDirectoryOptions> = {}) {
  const directories = {certificateDirectories: ['/certs'], hostsDirectories: ['/h']};
  const hosts = openHostDirectory({insecureRegistries: [], files: memoryFiles(files), ...directories, ...options});
  return openTestClient({hosts});
}

async function pull(client: RegistryClient, registry: string): Promise<void> {
  try {
    const {bytes} = await client.getManifest({registry, repository: REPOSITORY}, '1.0');
    assert.deepEqual(bytes, IMAGE.manifest.bytes);
  } finally {
    client.close();
  }
}

describe('registry/tls', ({test}) => {
  test('trusts the authority in a directory of the host, in a given directory, and in given files', async () => {
    await using registry = await startRegistry({tls: authority.issue()});
    registry.put(REPOSITORY, '1.0', IMAGE);
    const {host} = registry;
    await pull(clientWith({[`/certs/${host}/ca.crt`]: authority.cert}), host);
    await pull(clientWith({[`/h/${host.replace(':', '_')}_/ca.crt`]: authority.cert}), host);
    await pull(clientWith({'/d/ca.crt': authority.cert}, {certificateDirectory: '/d'}), host);
    const both = {'/certs/127.0.0.1/other.crt': buildAuthority().cert, '/ca.pem': authority.cert};
    await pull(clientWith(both, {certificateAuthorityFiles: ['/ca.pem']}), host);
    const toml = `server = "https://${host}"\nca = "ca.pem"`;
    await pull(clientWith({[`/h/${host}/hosts.toml`]: toml, [`/h/${host}/ca.pem`]: authority.cert}), host);
  });

  test('R16 a certificate that is expired, for another host, or of an unknown authority is refused by that name', async () => {
    const cases = [
      [authority.issue({notAfter: new Date('2021-01-01')}), /has expired/],
      [authority.issue({addresses: ['10.9.9.9']}), /is for another host/],
      [buildAuthority('another').issue(), /authority is not known here/],
      [buildAuthority().issue(), /not signed by the authority that it names/],
      [buildCertificate(), /signed by itself/],
    ] as const;
    for (const [tls, fault] of cases) {
      await using registry = await startRegistry({tls});
      const client = clientWith({[`/certs/${registry.host}/ca.crt`]: authority.cert});
      const error = await failureOf(pull(client, registry.host));
      assert.deepEqual([error.code, error.kind], ['TLS_FAILED', 'unavailable']);
      assert.match(error.message, fault);
      assert.equal(registry.requests.length, 0);
    }
  });

  test('R16 a TLS fault never makes it fall back to plain HTTP', async () => {
    await using plain = await startRegistry();
    const client = clientWith({[`/certs/${plain.host}/ca.crt`]: authority.cert});
    const error = await failureOf(pull(client, plain.host));
    assert.equal(error.code, 'TLS_FAILED');
    assert.equal(plain.requests.length, 0);
  });

  test('R16 two status lines, a header of 64 KiB, a broken chunk and pipelined junk are protocol errors', async () => {
    const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}';
    const replies: readonly string[] = [
      'HTTP/1.1 200 OK\r\nHTTP/1.1 200 OK\r\n\r\n',
      `HTTP/1.1 200 OK\r\nx: ${'a'.repeat(65_536)}\r\n\r\n`,
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      'junk\r\n\r\n',
    ];
    for (const reply of replies) {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        socket.on('data', (bytes) => void socket.write(bytes.includes('/v2/ ') ? ok : reply));
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      const registry = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
      const error = await failureOf(pull(openTestClient(), registry));
      server.close();
      assert.equal(error.code, 'PROTOCOL_ERROR', `${reply.slice(0, 60)}: ${error.message}`);
    }
  });

  test('shows the client certificate that is set for the host', async () => {
    const tls = {...authority.issue(), ca: authority.cert};
    await using registry = await startRegistry({tls});
    registry.put(REPOSITORY, '1.0', IMAGE);
    const {host} = registry;
    const client = authority.issue({addresses: []});
    const files = {
      [`/certs/${host}/ca.crt`]: authority.cert,
      [`/certs/${host}/client.cert`]: client.cert,
      [`/certs/${host}/client.key`]: client.key,
    };
    await pull(clientWith(files), host);
    const toml = `server = "https://${host}"\nca = "ca.pem"\nclient = [["c.pem", "k.pem"]]`;
    await pull(
      clientWith({
        [`/h/${host}/hosts.toml`]: toml,
        [`/h/${host}/ca.pem`]: authority.cert,
        [`/h/${host}/c.pem`]: client.cert,
        [`/h/${host}/k.pem`]: client.key,
      }),
      host,
    );
    const bare = await failureOf(pull(clientWith({[`/certs/${host}/ca.crt`]: authority.cert}), host));
    assert.equal(bare.code, 'TLS_FAILED');
    assert.match(bare.message, /wants a client certificate/);
  });

  test('keeps the settings of a host for that host when a redirect leaves it', async () => {
    await using storage = await startRegistry({tls: buildAuthority('another').issue()});
    await using registry = await startRegistry({
      tls: authority.issue(),
      faults: [{on: 'manifest', redirectTo: storage.origin}],
    });
    const client = clientWith({
      [`/certs/${registry.host}/ca.crt`]: authority.cert,
      [`/certs/${storage.host}/ca.crt`]: authority.cert,
    });
    const error = await failureOf(pull(client, registry.host));
    assert.equal(error.code, 'TLS_FAILED');
    assert.match(error.message, new RegExp(`^${storage.host} `));
  });

  test('takes any certificate where a registry is named as insecure, and with skip_verify', async () => {
    await using registry = await startRegistry({tls: buildCertificate({addresses: ['10.9.9.9']})});
    registry.put(REPOSITORY, '1.0', IMAGE);
    const {host} = registry;
    const files = {[`/certs/${host}/ca.crt`]: authority.cert};
    await pull(clientWith(files, {insecureRegistries: [host]}), host);
    await pull(clientWith(files, {insecureRegistries: 'all'}), host);
    const toml = `server = "https://${host}"\nskip_verify = true`;
    await pull(clientWith({...files, [`/h/${host}/hosts.toml`]: toml}), host);
  });

  test("trusts the machine's own certificate store, asked when nobody else knows an authority", async () => {
    using directory = makeTemporaryDirectory();
    await using registry = await startRegistry({tls: authority.issue()});
    const store = join(directory.path, 'store.pem');
    writeFileSync(store, authority.cert);
    const script = `
      import {openTransport} from ${JSON.stringify(new URL('../../src/registry/transport.ts', import.meta.url).href)};
      const transport = openTransport({userAgent: 'x'});
      const send = () => transport.send({url: new URL('${registry.origin}/v2/')}).then((reply) => reply.discard());
      await send();
      await send();
      transport.close();`;
    const path = join(directory.path, 'ask.mjs');
    writeFileSync(path, script);
    const child = spawn(process.execPath, [path], {env: {SSL_CERT_FILE: store}, stdio: ['ignore', 'ignore', 'pipe']});
    const [code] = await once(child, 'close');
    assert.equal(code, 0);
    assert.equal(registry.requests.length, 2);
  });

  test('reads certificates from disk, and says what is wrong with a file', async () => {
    using directory = makeTemporaryDirectory();
    await using registry = await startRegistry({tls: authority.issue()});
    registry.put(REPOSITORY, '1.0', IMAGE);
    const path = join(directory.path, registry.host, 'ca.crt');
    mkdirSync(dirname(path));
    writeFileSync(path, authority.cert);
    const open = () => clientWith({}, {files: hostFiles, certificateDirectories: ['/none', directory.path]});
    await pull(open(), registry.host);
    writeFileSync(path, Buffer.alloc(1_048_577));
    const error = await failureOf(pull(open(), registry.host));
    assert.equal(error.code, 'REGISTRY_CONFIG_INVALID');
    assert.match(error.message, /ca\.crt is larger than 1 MiB$/);
  });
});
