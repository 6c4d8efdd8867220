import {parseReference} from '../oci/reference.ts';
import type {ApiContext, ApiRequest, Handler} from './api-request.ts';
import {nameOf} from './images.ts';
import {type Pushed, pushProgress} from './push-progress.ts';
import {readPlatform} from './read-platform.ts';
import {readRegistryAuth} from './registry-auth.ts';

/** Of one tag, or without one of all that the store has of a repository. */
export const pushImage: Handler = (context, request) => ({type: 'lines', values: push(context, request)});

async function* push(context: ApiContext, request: ApiRequest): AsyncGenerator<unknown> {
  const {query, headers, signal} = request;
  const [name, tag] = [nameOf(request), query.get('tag')];
  const pushed: Pushed = tag ? {reference: `${name}:${tag}`} : {repository: name};
  const options = {platform: readPlatform(query.get('platform')), signal};
  const credential = readRegistryAuth(headers['x-registry-auth']);
  if (credential === null) {
    yield* pushProgress(context.toolkit, pushed, options);
    return;
  }
  await using toolkit = await context.openToolkitWith({registries: [parseReference(name).registry], credential});
  yield* pushProgress(toolkit, pushed, options);
}
