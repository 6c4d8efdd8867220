import {notOffered} from './api-error.ts';
import {type ApiRequest, type Handler, isSet, readJsonBody} from './api-request.ts';
import {readFields} from './body-fields.ts';

const CONFIG_FIELD = /^[A-Z]/;

export const commitContainer: Handler = async ({toolkit}, request) => {
  const {query, signal} = request;
  await refuseConfig(request);
  const {imageId} = await toolkit.containers.commit(query.get('container') ?? '', {
    reference: referenceOf(query),
    changes: query.getAll('changes').flatMap((change) => change.split('\n').filter((line) => line.trim() !== '')),
    message: query.get('comment') || undefined,
    author: query.get('author') || undefined,
    pauses: !query.get('pause') || isSet(query, 'pause'),
    signal,
  });
  return {type: 'json', status: 201, value: {Id: imageId}};
};

/** The docker command writes all that is to be changed into the query. */
async function refuseConfig(request: ApiRequest): Promise<void> {
  const config = readFields((await readJsonBody(request)) ?? {});
  // Some libraries repeat the query there.
  const what = config.names().find((name) => CONFIG_FIELD.test(name) && config.says(name));
  if (what === undefined) return;
  throw notOffered(`${what} in the body of a commit is not offered`, 'say it as a change: changes=CMD …');
}

function referenceOf(query: URLSearchParams): string | undefined {
  const [repository, tag] = [query.get('repo'), query.get('tag')];
  if (!repository) return undefined;
  return tag ? `${repository}:${tag}` : repository;
}
