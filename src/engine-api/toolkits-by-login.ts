import {createHash} from 'node:crypto';
import type {Toolkit} from '../toolkit.ts';
import type {ApiContext} from './api-request.ts';

type OpenToolkitWith = ApiContext['openToolkitWith'];

interface Opened {
  readonly toolkit: Promise<Toolkit>;
  users: number;
}

/**
 * Has requests with the same login at the same time use one toolkit, so that they share what they do. It is closed when
 * the last of them has closed it.
 */
export function createToolkitsByLogin(open: OpenToolkitWith): OpenToolkitWith {
  const opened = new Map<string, Opened>();
  return async (login) => {
    const key = createHash('sha256').update(JSON.stringify(login)).digest('hex');
    const shared = opened.get(key) ?? {toolkit: open(login), users: 0};
    opened.set(key, shared);
    shared.users += 1;
    const leave = async () => {
      shared.users -= 1;
      if (shared.users > 0) return;
      if (opened.get(key) === shared) opened.delete(key);
      await (await shared.toolkit).close();
    };
    try {
      return {...(await shared.toolkit), close: leave, [Symbol.asyncDispose]: leave};
    } catch (error) {
      opened.delete(key);
      throw error;
    }
  };
}
