import {notOffered} from './api-error.ts';
import type {ApiContext, ApiRequest, Handler} from './api-request.ts';
import {nameOf} from './images.ts';
import {openWithLogin} from './open-with-login.ts';
import {pullProgress} from './pull-progress.ts';
import {readPlatform} from './read-platform.ts';

/** `docker pull` and `docker import`. */
export const createImage: Handler = async (context, request) => {
  const {query} = request;
  return {type: 'lines', values: query.has('fromSrc') ? importImage(context, request) : pullImage(context, request)};
};

/** A tag may be a digest, as clients write it. */
function referenceOf(query: URLSearchParams): string {
  const [image, tag] = [query.get('fromImage') ?? '', query.get('tag')];
  if (!tag) return image;
  return tag.includes(':') ? `${image}@${tag}` : `${image}:${tag}`;
}

async function* pullImage(context: ApiContext, request: ApiRequest): AsyncGenerator<unknown> {
  const {query, signal} = request;
  const reference = referenceOf(query);
  await using opened = await openWithLogin(context, request, reference);
  yield* pullProgress(opened.toolkit, reference, {platform: readPlatform(query.get('platform')), signal});
}

async function* importImage({toolkit}: ApiContext, {query, body, signal}: ApiRequest): AsyncGenerator<unknown> {
  const [repository, tag, from] = [query.get('repo'), query.get('tag'), query.get('fromSrc')];
  if (from !== '-') throw notOffered('nothing is imported from elsewhere', 'download it, and import it from the body');
  const {imageId} = await toolkit.images.import(body, {
    reference: repository ? (tag ? `${repository}:${tag}` : repository) : undefined,
    changes: query.getAll('changes'),
    message: query.get('message') || undefined,
    platform: readPlatform(query.get('platform')),
    signal,
  });
  yield {status: imageId};
}

export const loadImages: Handler = ({toolkit}, {body, query, signal}) => ({
  type: 'lines',
  values: (async function* () {
    const platform = readPlatform(query.get('platform'));
    for (const {names, imageId} of await toolkit.images.load(body, {platform, force: true, signal})) {
      if (names.length === 0) yield {stream: `Loaded image ID: ${imageId}\n`};
      for (const name of names) yield {stream: `Loaded image: ${name}\n`};
    }
  })(),
});

/** An OCI layout, which docker reads since 2017 as it reads its own archives. */
export const saveImages: Handler = async ({toolkit}, request) => {
  const {query, parameters, signal} = request;
  const names = parameters.name === undefined ? query.getAll('names') : [nameOf(request)];
  const {content, close} = await toolkit.images.save(names, {platform: readPlatform(query.get('platform')), signal});
  return {type: 'bytes', contentType: 'application/x-tar', content, close};
};
