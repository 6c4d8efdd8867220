import type {ApiContext, ApiRequest, Handler} from './api-request.ts';
import {nameOf} from './images.ts';
import {openWithLogin} from './open-with-login.ts';
import {type Pushed, pushProgress} from './push-progress.ts';
import {readPlatform} from './read-platform.ts';

/** Of one tag, or without one of all that the store has of a repository. */
export const pushImage: Handler = (context, request) => ({type: 'lines', values: push(context, request)});

async function* push(context: ApiContext, request: ApiRequest): AsyncGenerator<unknown> {
  const {query, signal} = request;
  const [name, tag] = [nameOf(request), query.get('tag')];
  const pushed: Pushed = tag ? {reference: `${name}:${tag}`} : {repository: name};
  await using opened = await openWithLogin(context, request, name);
  yield* pushProgress(opened.toolkit, pushed, {platform: readPlatform(query.get('platform')), signal});
}
