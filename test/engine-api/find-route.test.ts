import * as assert from 'uvu/assert';
import {createFindRoute, type Route} from '../../src/engine-api/find-route.ts';
import {isWinchError} from '../../src/errors.ts';
import {describe} from '../helpers/suite.ts';

const fail = () => Promise.reject(new Error('loaded'));
const route = (method: Route['method'], path: string): Route => ({method, path, load: fail});

describe('engine-api/find-route', ({test}) => {
  const find = createFindRoute([
    route('GET', '/images/json'),
    route('GET', '/images/{name*}/json'),
    route('POST', '/containers/{id}/start'),
    route('DELETE', '/images/{name*}'),
  ]);
  const look = (line: string) => {
    const [method = '', path = ''] = line.split(' ');
    const found = find(method, path);
    return found && [found.route.path, found.parameters];
  };

  test('takes names of images with slashes, and of all else one part', () => {
    assert.equal(look('GET /images/json'), ['/images/json', {}]);
    assert.equal(look('GET /images/host:5000/a/b:1/json'), ['/images/{name*}/json', {name: 'host:5000/a/b:1'}]);
    assert.equal(look('DELETE /images/a%2Fb'), ['/images/{name*}', {name: 'a/b'}]);
    assert.equal(look('POST /containers/x/start'), ['/containers/{id}/start', {id: 'x'}]);
    assert.is(look('POST /containers/x/y/start'), null);
    assert.is(look('GET /containers/x/start'), null);
    assert.is(look('GET /images//json/'), null);
  });

  test('takes a version in front, and refuses those that it does not know', () => {
    assert.equal(look('GET /v1.24/images/json'), ['/images/json', {}]);
    assert.equal(look('GET /v1.51/images/json'), ['/images/json', {}]);
    for (const version of ['1.23', '1.9', '1.52', '1.100', '2.0']) {
      assert.throws(
        () => look(`GET /v${version}/images/json`),
        (error: unknown) => isWinchError(error, 'API_VERSION_UNSUPPORTED'),
        version,
      );
    }
  });

  test('E02 refuses paths that are not encoded, and NUL', () => {
    for (const name of ['%', '%zz', '%ff', 'a%00b']) {
      assert.throws(
        () => look(`DELETE /images/${name}`),
        (error: unknown) => isWinchError(error, 'PATH_INVALID'),
        name,
      );
    }
    assert.equal(look('DELETE /images/..%2f..%2fetc'), ['/images/{name*}', {name: '../../etc'}]);
  });
});
