import {WinchError} from '../errors.ts';
import {type Handler, readJsonBody} from './api-request.ts';
import {readFields} from './body-fields.ts';
import {readLogin} from './registry-auth.ts';

const DOCKER_HUB = 'docker.io';

/** `docker login`: the client keeps what a registry has taken, and gets the token that it may give in place of a password. */
export const checkAuth: Handler = async ({toolkit}, request) => {
  const fields = readFields((await readJsonBody(request)) ?? {});
  const credential = readLogin((name) => fields.text(name) ?? '');
  if (credential === null) throw new WinchError('LOGIN_MISSING', 'the body has no login', {kind: 'invalid'});
  const registry = fields.text('serveraddress') || DOCKER_HUB;
  const {identityToken} = await toolkit.registries.checkLogin({registry, credential}, {signal: request.signal});
  return {type: 'json', value: {Status: 'Login Succeeded', IdentityToken: identityToken ?? ''}};
};
