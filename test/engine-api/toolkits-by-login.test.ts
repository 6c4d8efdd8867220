import * as assert from 'uvu/assert';
import {createToolkitsByLogin} from '../../src/engine-api/toolkits-by-login.ts';
import type {Toolkit} from '../../src/toolkit.ts';
import {openTestStore} from '../helpers/open-store.ts';
import {rejectionOf} from '../helpers/rejection-of.ts';
import {describe} from '../helpers/suite.ts';

describe('engine-api/toolkits-by-login', ({test}) => {
  const login = (password: string) => ({registries: ['localhost:1'], credential: {username: 'me', password}});

  test('one login at a time has one toolkit, which is closed after its last use', async () => {
    await using store = await openTestStore();
    const closed: string[] = [];
    const opened: string[] = [];
    const open = createToolkitsByLogin(async ({credential, registries}): Promise<Toolkit> => {
      const name = JSON.stringify(credential);
      opened.push(name);
      const toolkit = await store.open({credential: {credential, registries}});
      return {...toolkit, close: async () => void closed.push(name)};
    });
    const [one, same, other] = await Promise.all([open(login('a')), open(login('a')), open(login('b'))]);
    assert.is(opened.length, 2);
    assert.is(one.images, same.images);
    assert.is.not(one.images, other.images);
    await one[Symbol.asyncDispose]();
    assert.equal(closed, []);
    await same[Symbol.asyncDispose]();
    assert.equal(closed, [JSON.stringify(login('a').credential)]);
    await using _again = await open(login('a'));
    assert.is(opened.length, 3);
    await other.close();
    assert.is(closed.length, 2);
  });

  test('what cannot be opened is tried anew', async () => {
    const open = createToolkitsByLogin(async () => {
      throw new Error('unopened');
    });
    for (const _ of [1, 2]) assert.is((await rejectionOf(open(login('a')))).message, 'unopened');
  });
});
