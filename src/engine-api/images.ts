import {toDockersFields} from '../docker-json/image.ts';
import {NEVER} from '../docker-json/never.ts';
import {selectImages} from '../docker-json/select-images.ts';
import type {ImageSummary} from '../images/list.ts';
import type {Toolkit} from '../toolkit.ts';
import {notOffered} from './api-error.ts';
import {type ApiRequest, filtersOf, type Handler, isSet, parameterOf} from './api-request.ts';
import {readPlatform} from './read-platform.ts';

/** Rows that a registry's search would have. */
export const refuseSearch: Handler = () => {
  throw notOffered('winch searches no registry', 'list what one has with: winch catalog and winch tags');
};

/** Newest first, one row for each image. */
export const listImages: Handler = async ({toolkit}, {query}) => {
  const found = await selectImages(toolkit, filtersOf(query), {now: Date.now(), hasLabels: true});
  const shared = isSet(query, 'shared-size') ? await readSharedBytes(toolkit) : NO_SIZES;
  const images = Map.groupBy(found, ({imageId}) => imageId);
  return {
    type: 'json',
    value: [...images].map(([id, rows]) => ({...imageRow(rows), SharedSize: shared.get(id) ?? -1})),
  };
};

const NO_SIZES: ReadonlyMap<string, number> = new Map();

async function readSharedBytes({images}: Toolkit): Promise<ReadonlyMap<string, number>> {
  const {perImage} = await images.usage();
  return new Map(perImage.map(({image, sharedBytes}) => [image.imageId, sharedBytes]));
}

/** @param summaries Of one image, with its labels. */
export function imageRow(summaries: readonly ImageSummary[]) {
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
    VirtualSize: first.unpackedBytes ?? first.compressedBytes,
    Labels: Object.keys(first.labels ?? {}).length > 0 ? first.labels : null,
    Containers: -1,
  };
}

/** What docker says where an image does not. */
const EMPTY_CONFIG = Object.freeze({
  ...{Hostname: '', Domainname: '', User: '', AttachStdin: false, AttachStdout: false, AttachStderr: false},
  ...{Tty: false, OpenStdin: false, StdinOnce: false, Env: null, Cmd: null, Image: '', Volumes: null, WorkingDir: ''},
  ...{Entrypoint: null, OnBuild: null, Labels: null},
});

export const inspectImage: Handler = async ({toolkit}, request) => {
  const image = await toolkit.images.inspect(nameOf(request), {platform: readPlatform(request.query.get('platform'))});
  const size = image.unpackedBytes ?? image.compressedBytes;
  const docker = toDockersFields(image);
  return {
    type: 'json',
    value: {
      ...docker,
      Config: {...EMPTY_CONFIG, ...(docker.Config as object)},
      // Clients of before API 1.45 cannot do without it.
      ContainerConfig: {...EMPTY_CONFIG, ...(docker.Config as object)},
      Variant: docker.Variant === '' ? undefined : docker.Variant,
      DockerVersion: '',
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
