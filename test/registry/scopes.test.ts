import * as assert from 'node:assert/strict';
import {grantsOf, mergeScopes} from '../../src/registry/scopes.ts';
import {describe} from '../helpers/suite.ts';

const pull = {repository: 'team/app', actions: ['pull']} as const;

describe('registry/scopes', ({test}) => {
  test('asks for each repository once, with all actions', () => {
    assert.deepEqual(mergeScopes(pull), ['repository:team/app:pull']);
    assert.deepEqual(mergeScopes(pull, 'repository:team/app:pull,push'), ['repository:team/app:pull,push']);
    assert.deepEqual(mergeScopes({...pull, actions: ['push', 'pull']}, 'repository:team/app:pull'), [
      'repository:team/app:pull,push',
    ]);
    assert.deepEqual(mergeScopes(pull, 'repository:other:pull repository:other:delete'), [
      'repository:team/app:pull',
      'repository:other:pull,delete',
    ]);
  });

  test('asks for the source of a mount as well', () => {
    const mount = {repository: 'team/app', actions: ['pull', 'push'], alsoPull: 'base'} as const;
    assert.deepEqual(mergeScopes(mount), ['repository:team/app:pull,push', 'repository:base:pull']);
    assert.deepEqual(mergeScopes({...mount, alsoPull: 'team/app'}), ['repository:team/app:pull,push']);
    assert.deepEqual(grantsOf(mount), ['repository:team/app:pull', 'repository:team/app:push', 'repository:base:pull']);
  });

  test('asks for the catalog of a registry, and for nothing where nothing is done', () => {
    assert.deepEqual(mergeScopes({repository: null, actions: ['catalog']}), ['registry:catalog:*']);
    assert.deepEqual(mergeScopes({repository: null, actions: []}), []);
  });

  test('keeps names with colons, and passes on what is no scope', () => {
    assert.deepEqual(mergeScopes(pull, 'repository:host:5000/x:pull aws  '), [
      'repository:team/app:pull',
      'repository:host:5000/x:pull',
      'aws',
    ]);
  });
});
