import * as assert from 'node:assert/strict';
import {startRegistry} from '../../fixtures/registry-server.ts';
import type {Credential} from '../../src/registry/credentials.ts';
import {openTransport, type Transport, type TransportRequest} from '../../src/registry/transport.ts';
import {withWireLog} from '../../src/registry/wire-log.ts';
import type {WireRecord} from '../../src/trace.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, openTestClient, readAll, withRegistry} from './with-registry.ts';

const PASSWORD = 'canary-password';
const IDENTITY = 'canary-identity';

/** What is told about one exchange with a host that answers with these headers. */
async function recordsOf(request: TransportRequest, headers: Readonly<Record<string, string>> = {}) {
  const records: WireRecord[] = [];
  const response = {url: request.url, status: 200, headers, body: empty(), discard: async () => {}, close: () => {}};
  const transport: Transport = {send: async () => response, close: () => {}};
  await withWireLog(transport, (record) => records.push(record)).send(request);
  return records;
}

async function* empty(): AsyncGenerator<Uint8Array> {}

const headersOf = (record: WireRecord | undefined) => (record && 'headers' in record ? record.headers : {});

describe('registry/wire-log', ({test}) => {
  test('tells of request and reply by one number', async () => {
    const url = new URL('https://registry.example/v2/team/app/manifests/1');
    const [request, response] = await recordsOf({url, headers: {accept: 'a/b'}}, {'content-length': '5'});
    assert.deepEqual(request, {
      type: 'wire:request',
      exchange: 1,
      method: 'GET',
      url: url.href,
      headers: {accept: 'a/b'},
      body: null,
    });
    assert.ok(response?.type === 'wire:response' && response.durationMs >= 0);
    assert.deepEqual([response.exchange, response.status, response.headers], [1, 200, {'content-length': '5'}]);
  });

  test('masks headers that may hold a secret, in both directions', async () => {
    const names = ['cookie', 'X-Registry-Auth', 'proxy-authorization', 'x-amz-security-token', 'x-anything'];
    const headers = Object.fromEntries(names.map((name) => [name, 'canary']));
    const records = await recordsOf({url: new URL('https://a/v2/'), headers}, {...headers, 'set-cookie': 'canary'});
    assert.doesNotMatch(JSON.stringify(records), /canary/);
    assert.equal(headersOf(records[1])['set-cookie'], '***');
  });

  test('shows the scheme of a login and no more', async () => {
    for (const [given, shown] of [
      ['Bearer canary', 'Bearer ***'],
      ['Basic Y2FuYXJ5', 'Basic ***'],
      ['canary', '***'],
    ] as const) {
      const [request] = await recordsOf({url: new URL('https://a/v2/'), headers: {authorization: given}});
      assert.equal(headersOf(request).authorization, shown);
    }
  });

  test('masks queries but for what the registry API puts there', async () => {
    for (const [url, shown] of [
      ['https://a/v2/x/tags/list?n=5&last=b', 'https://a/v2/x/tags/list?n=5&last=b'],
      [
        'https://a/token?service=s&scope=repository:x:pull&account=me',
        'https://a/token?service=s&scope=repository:x:pull&account=***',
      ],
      ['https://s3/x?X-Amz-Signature=canary&n=canary', 'https://s3/x?X-Amz-Signature=***&n=***'],
      [
        'https://a/v2/x/blobs/uploads/1?_state=canary&digest=sha256:1',
        'https://a/v2/x/blobs/uploads/1?_state=***&digest=sha256:1',
      ],
      ['https://me:canary@a/v2/', 'https://a/v2/'],
    ] as const) {
      const [request] = await recordsOf({url: new URL(url)});
      assert.equal(request?.type === 'wire:request' && request.url, shown);
    }
  });

  test('masks queries and logins of URLs in headers', async () => {
    const reply = {
      location: 'https://me:canary@s3/x?X-Amz-Signature=canary&b=canary#f',
      link: '</v2/x/tags/list?last=canary&n=canary>; rel="next"',
      'www-authenticate': 'Bearer realm="https://a/token?key=canary",service="s"',
    };
    const [, response] = await recordsOf({url: new URL('https://a/v2/')}, reply);
    assert.deepEqual(headersOf(response), {
      location: 'https://***@s3/x?X-Amz-Signature=***&b=***',
      link: '</v2/x/tags/list?last=***&n=***>; rel="next"',
      'www-authenticate': 'Bearer realm="https://a/token?key=***",service="s"',
    });
  });

  test('masks a secret that a host repeats, in any form it was sent', async () => {
    const basic = Buffer.from('alice:canary word').toString('base64');
    const request = {url: new URL('https://a/v2/'), headers: {authorization: `Basic ${basic}`}};
    const reply = {warning: `299 - "${basic} canary word canary%20word"`};
    const [, response] = await recordsOf(request, reply);
    assert.equal(headersOf(response).warning, '299 - "*** *** ***"');
  });

  test('tells the names in a form, and the size of a body', async () => {
    const url = new URL('https://a/token');
    const form = new URLSearchParams({grant_type: 'refresh_token', refresh_token: 'canary'});
    const [withForm] = await recordsOf({url, method: 'POST', form}, {});
    assert.equal(withForm?.type === 'wire:request' && withForm.body, 'a form of grant_type, refresh_token');
    const [withBody] = await recordsOf({url, method: 'PUT', body: {bytes: 7, open: empty}});
    assert.equal(withBody?.type === 'wire:request' && withBody.body, '7 bytes');
  });

  test('tells of an exchange that failed', async () => {
    const registry = await startRegistry();
    await registry.close();
    const records: WireRecord[] = [];
    const transport = withWireLog(openTransport({userAgent: 'winch/test'}), (record) => records.push(record));
    const error = await failureOf(transport.send({url: new URL(registry.origin)}));
    const [, failed] = records;
    assert.ok(failed?.type === 'wire:failed');
    assert.deepEqual([failed.exchange, failed.code, failed.message], [1, error.code, error.message]);
    transport.close();
  });

  const logins: readonly (readonly [title: string, credential: Credential, challenge: 'basic' | 'bearer'])[] = [
    ['a password', {username: 'alice', password: PASSWORD}, 'basic'],
    ['a password for a token', {username: 'alice', password: PASSWORD}, 'bearer'],
    ['an identity token', {identityToken: IDENTITY}, 'bearer'],
  ];
  for (const [title, credential, challenge] of logins) {
    test(`a login with ${title} leaves no trace`, () =>
      withRegistry(
        {challenge, users: {alice: PASSWORD}, identityTokens: [IDENTITY]},
        async ({name, layer, registry}) => {
          const records: WireRecord[] = [];
          const watch = (transport: Transport) => withWireLog(transport, (record) => records.push(record));
          await using client = openTestClient({watch, credentials: async () => credential});
          await readAll(await client.openBlob(name, layer));
          const text = JSON.stringify(records);
          assert.match(text, challenge === 'basic' ? /Basic \*\*\*/ : /Bearer \*\*\*/);
          const sent = registry.requests.flatMap(({headers}) => headers.authorization?.split(' ')[1] ?? []);
          assert.ok(sent.length > 0);
          for (const secret of [...sent, 'canary']) assert.ok(!text.includes(secret), secret);
        },
      ));
  }
});
