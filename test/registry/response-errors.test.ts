import * as assert from 'node:assert/strict';
import type {Fault} from '../../fixtures/registry-server.ts';
import {describe} from '../helpers/suite.ts';
import {failureOf, withRegistry} from './with-registry.ts';

const failureFor = async (fault: Omit<Fault, 'on'>) => {
  let failure: Awaited<ReturnType<typeof failureOf>> | undefined;
  await withRegistry({faults: [{...fault, on: 'manifest'}]}, async ({client, name}) => {
    failure = await failureOf(client.getManifest(name, '1.0'));
  });
  if (!failure) throw new Error('nothing was thrown');
  return failure;
};

const said = (message: string, code = 'UNKNOWN') => JSON.stringify({errors: [{code, message}]});

describe('registry/response-errors', ({test}) => {
  test('repeats what the registry says', async () => {
    const error = await failureFor({status: 500, body: said('the disk is full')});
    assert.equal(error.code, 'REGISTRY_ERROR');
    assert.equal(error.kind, 'unavailable');
    assert.match(error.message, /answered 500 for the tag 1\.0 of team\/app: the disk is full(?:; retried |$)/);
    assert.equal(error.details.status, 500);
  });

  test('cuts a long message to 200 characters', async () => {
    const error = await failureFor({status: 500, body: said('x'.repeat(5000))});
    assert.match(error.message, /: x{200}…(?:; retried |$)/);
  });

  test('makes do without words: no body, no JSON, other JSON, more than 1 MiB, encoded, cut', async () => {
    const bodies = ['', '<html>', '7', '{"errors":[]}', '{"errors":[7]}', '{"errors":{}}', said('x'.repeat(1_100_000))];
    const faults = [
      {headers: {'content-encoding': 'gzip'}, body: said('x')},
      {body: said('x'.repeat(99)), truncateAt: 5},
    ];
    for (const fault of [...bodies.map((body) => ({body})), ...faults]) {
      const error = await failureFor({...fault, status: 503});
      assert.match(error.message, /answered 503 for the tag 1\.0 of team\/app(?:; retried |$)/);
    }
  });

  test('takes 403 for a denial', async () => {
    const error = await failureFor({status: 403, body: said('not for you', 'DENIED')});
    assert.equal(error.code, 'AUTH_DENIED');
    assert.equal(error.kind, 'denied');
    assert.match(error.message, /denies the tag 1\.0 of team\/app: not for you$/);
  });

  test('tells how long a rate limit asks to wait', async () => {
    const limited = await failureFor({status: 429, headers: {'retry-after': '2'}});
    assert.equal(limited.code, 'RATE_LIMITED');
    assert.match(limited.hint ?? '', /try again in 2 s/);
    for (const wait of ['-1', '1e9', 'Wed, 21 Oct 2026 07:28:00 GMT', '\u00e9']) {
      assert.match(
        (await failureFor({status: 429, headers: {'retry-after': wait}})).hint ?? '',
        /try again in a while/,
      );
    }
  });

  test('takes any other status for an error', async () => {
    for (const status of [201, 204, 206, 304, 400, 405, 408, 410, 451, 502, 504]) {
      assert.equal((await failureFor({status, body: ''})).code, 'REGISTRY_ERROR', String(status));
    }
  });
});
