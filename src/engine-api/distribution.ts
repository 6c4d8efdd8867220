import {splitPlatform} from '../oci/platform.ts';
import type {Handler} from './api-request.ts';
import {nameOf} from './images.ts';
import {openWithLogin} from './open-with-login.ts';

/** What a registry has under a name. */
export const inspectDistribution: Handler = async (context, request) => {
  const name = nameOf(request);
  await using opened = await openWithLogin(context, request, name);
  const {registries} = opened.toolkit;
  const {digest, mediaType, size, platforms} = await registries.inspect(name, {signal: request.signal});
  const known = platforms.flatMap(({platform}) => (platform === null ? [] : splitPlatform(platform)));
  return {type: 'json', value: {Descriptor: {mediaType, digest, size}, Platforms: known}};
};
