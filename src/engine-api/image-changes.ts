import type {RemovalReport} from '../images/remove.ts';
import {notOffered} from './api-error.ts';
import {type Handler, isSet} from './api-request.ts';
import {nameOf} from './images.ts';
import {readPruneFilters} from './prune-filters.ts';

export const tagImage: Handler = async ({toolkit}, request) => {
  const {query} = request;
  const [repository, tag] = [query.get('repo') ?? '', query.get('tag')];
  await toolkit.images.tag(nameOf(request), tag ? `${repository}:${tag}` : repository);
  return {type: 'empty', status: 201};
};

export const removeImage: Handler = async ({toolkit}, request) => {
  const force = isSet(request.query, 'force');
  if (request.query.has('platforms')) throw notOffered('one platform of an image is not removed', 'remove all of it');
  const removed = await toolkit.images.remove([nameOf(request)], {force, signal: request.signal});
  return {type: 'json', value: toRows(removed)};
};

export const pruneImages: Handler = async ({toolkit}, {query, signal}) => {
  const {createdBefore, labels, others} = readPruneFilters(query, {now: Date.now(), others: ['dangling']});
  const all = others.dangling?.some((value) => value === 'false' || value === '0') ?? false;
  const removed = await toolkit.images.prune({all, createdBefore, labels, signal});
  const gone = toRows(removed);
  return {type: 'json', value: {ImagesDeleted: gone.length > 0 ? gone : null, SpaceReclaimed: removed.freedBytes}};
};

const toRows = ({untagged, deleted}: RemovalReport) => [
  ...untagged.map((Untagged) => ({Untagged})),
  ...deleted.map((Deleted) => ({Deleted})),
];
