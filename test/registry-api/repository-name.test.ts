import * as assert from 'uvu/assert';
import {isWinchError} from '../../src/errors.ts';
import {nameOf, repositoryOf} from '../../src/registry-api/repository-name.ts';
import {describe} from '../helpers/suite.ts';

describe('registry-api/repository-name', ({test}) => {
  const names: readonly (readonly [string, string | null, string])[] = [
    ['alpine', null, 'docker.io/library/alpine'],
    ['library/alpine', null, 'docker.io/library/alpine'],
    ['docker.io/library/alpine', null, 'docker.io/library/alpine'],
    ['docker.io/alpine', null, 'docker.io/library/alpine'],
    ['ghcr.io/some/app', null, 'ghcr.io/some/app'],
    ['localhost_5000/app', null, 'localhost:5000/app'],
    ['127.0.0.1_5000/some/app_1', null, '127.0.0.1:5000/some/app_1'],
    ['some_app/part', null, 'docker.io/some_app/part'],
    ['some/app', 'ghcr.io', 'ghcr.io/some/app'],
    ['some/app', 'host.example:5000', 'host.example:5000/some/app'],
  ];
  for (const [name, origin, expected] of names) {
    test(`takes ${name}${origin ? ` of ${origin}` : ''} for ${expected}`, () => {
      const {registry, repository} = repositoryOf(name, origin);
      assert.is(`${registry}/${repository}`, expected);
    });
  }

  test('names what it can name', () => {
    assert.is(nameOf({registry: 'docker.io', repository: 'library/alpine'}), 'docker.io/library/alpine');
    assert.is(nameOf({registry: '127.0.0.1:5000', repository: 'a/b'}), '127.0.0.1_5000/a/b');
    assert.is(nameOf({registry: '[::1]:5000', repository: 'a/b'}), null);
    for (const [name] of names.filter(([, origin]) => origin === null)) {
      const repository = repositoryOf(name, null);
      assert.equal(repositoryOf(nameOf(repository) ?? '', null), repository);
    }
  });

  test('refuses what is no name', () => {
    for (const name of ['', 'UPPER', 'a:1', 'a@b', 'a//b', '/a', 'a/', '..', 'a b', 'user@host/a'])
      assert.throws(
        () => repositoryOf(name, null),
        (error: unknown) => isWinchError(error, 'NAME_INVALID'),
        name,
      );
    assert.throws(
      () => repositoryOf('app', 'user:secret@host'),
      (error: unknown) => isWinchError(error, 'NAME_INVALID') && !error.message.includes('secret'),
    );
  });
});
