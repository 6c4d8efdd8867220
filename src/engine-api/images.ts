import {toDockerImage} from '../docker-json/image.ts';
import type {ImageSummary} from '../images/list.ts';
import {notOffered} from './api-error.ts';
import {type ApiRequest, filtersOf, type Handler, parameterOf} from './api-request.ts';

/** Rows that a registry's search would have. */
export const refuseSearch: Handler = () => {
  throw notOffered('winch searches no registry', 'list what one has with: winch catalog and winch tags');
};

/** How docker writes a time that nobody knows. */
const NEVER = '0001-01-01T00:00:00Z';
const FILTERS = ['reference', 'dangling'];

/** Newest first, one row for each image. */
export const listImages: Handler = async ({toolkit}, {query}) => {
  const filters = filtersOf(query);
  const unknown = Object.keys(filters).find((name) => !FILTERS.includes(name));
  if (unknown !== undefined)
    throw notOffered(`images are not filtered by ${unknown}`, `by ${FILTERS.join(' or ')} they are`);
  const rows = Map.groupBy(await toolkit.images.list(), ({imageId}) => imageId);
  return {
    type: 'json',
    value: [...rows.values()].map(imageRow).filter((row) => isWanted(row, filters)),
  };
};

interface ImageRow {
  readonly Id: string;
  readonly RepoTags: readonly string[];
  readonly RepoDigests: readonly string[];
  readonly [name: string]: unknown;
}

function imageRow(summaries: readonly ImageSummary[]): ImageRow {
  const [first] = summaries;
  if (!first) throw new Error('an image without a row');
  return {
    Id: first.imageId,
    ParentId: '',
    RepoTags: summaries.flatMap(({reference, tag}) => (tag === null ? [] : (reference ?? []))),
    RepoDigests: [
      ...new Set(summaries.flatMap(({repository, digest}) => (repository === null ? [] : `${repository}@${digest}`))),
    ],
    Created: secondsOf(first.created),
    Size: first.unpackedBytes ?? first.compressedBytes,
    SharedSize: -1,
    VirtualSize: first.unpackedBytes ?? first.compressedBytes,
    Labels: null,
    Containers: -1,
  };
}

function isWanted(row: ImageRow, {reference = [], dangling = []}: Readonly<Record<string, readonly string[]>>) {
  const isDangling = row.RepoTags.length === 0;
  if (dangling.length > 0 && !dangling.includes(String(isDangling))) return false;
  return reference.length === 0 || reference.some((pattern) => row.RepoTags.some((tag) => matches(tag, pattern)));
}

/** A pattern of a shell, for the whole reference or for its repository. */
function matches(reference: string, pattern: string): boolean {
  const words = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '[^/]*')
    .replace(/\?/g, '[^/]');
  const expression = new RegExp(`^${words}$`);
  return expression.test(reference) || expression.test(reference.replace(/:[^/:]*$/, ''));
}

export const inspectImage: Handler = async ({toolkit}, request) => {
  const image = await toolkit.images.inspect(nameOf(request));
  const size = image.unpackedBytes ?? image.compressedBytes;
  const docker = toDockerImage(image);
  return {
    type: 'json',
    value: {
      ...docker,
      Created: docker.Created ?? NEVER,
      Size: size,
      VirtualSize: size,
      GraphDriver: {Name: 'winch', Data: null},
      Metadata: {LastTagTime: NEVER},
    },
  };
};

export const imageHistory: Handler = async ({toolkit}, request) => {
  const name = nameOf(request);
  const [entries, {imageId, references}] = await Promise.all([
    toolkit.images.history(name),
    toolkit.images.inspect(name),
  ]);
  return {
    type: 'json',
    value: entries.map((entry, index) => ({
      Id: index === 0 ? imageId : '<missing>',
      Created: secondsOf(entry.created),
      CreatedBy: entry.createdBy,
      Tags: index === 0 && references.length > 0 ? references : null,
      Size: entry.layer?.unpackedBytes ?? 0,
      Comment: entry.comment ?? '',
    })),
  };
};

export const nameOf = (request: ApiRequest): string => parameterOf(request, 'name');

const secondsOf = (time: string | null): number => {
  const milliseconds = time === null ? Number.NaN : Date.parse(time);
  return Number.isNaN(milliseconds) ? 0 : Math.floor(milliseconds / 1000);
};
