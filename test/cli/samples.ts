import type {HistoryEntry} from '../../src/images/history.ts';
import type {ImageDetails} from '../../src/images/inspect.ts';
import type {ImageSummary} from '../../src/images/list.ts';
import type {PulledImage} from '../../src/images/pull.ts';
import type {PullEachOptions} from '../../src/images/pull-each.ts';
import type {Images} from '../../src/toolkit.ts';

const digest = (digit: string): string => `sha256:${digit.repeat(64)}`;

export const DIGESTS = {index: digest('1'), manifest: digest('2'), config: digest('3'), layer: digest('4')};

export const NOW = new Date('2026-01-15T00:00:00Z');

export const summaryOf = (repository: string | null, tag: string | null): ImageSummary => ({
  imageId: DIGESTS.config,
  manifestDigest: DIGESTS.manifest,
  digest: DIGESTS.index,
  repository,
  tag,
  reference: repository === null ? null : `${repository}:${tag}`,
  platform: 'linux/amd64',
  created: '2026-01-01T00:00:00Z',
  compressedBytes: 3_400_000,
  isChosen: true,
  unpackedBytes: 7_800_000,
});

const LAYER = {
  digest: DIGESTS.layer,
  diffId: digest('5'),
  chainId: digest('5'),
  mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
  compressedBytes: 3_400_000,
  unpackedBytes: 7_800_000,
  entries: 10,
};

export const detailsOf = (reference: string): ImageDetails => ({
  imageId: DIGESTS.config,
  references: [reference],
  digest: DIGESTS.index,
  manifestDigest: DIGESTS.manifest,
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  repositoryDigests: [`alpine@${DIGESTS.index}`],
  platform: 'linux/amd64',
  created: '2026-01-01T00:00:00Z',
  compressedBytes: 3_400_000,
  unpackedBytes: 7_800_000,
  layers: [LAYER],
  parent: null,
  children: [],
  manifest: {schemaVersion: 2, unknown: [1]},
  config: {
    architecture: 'amd64',
    os: 'linux',
    config: {Env: ['A=b', 'C=d'], Labels: {'some.key': 'value'}},
    history: [{comment: 'first'}, {comment: 'last'}],
  },
});

export const HISTORY: readonly HistoryEntry[] = [
  {
    created: '2026-01-14T00:00:00Z',
    createdBy: 'CMD ["sh"]',
    comment: 'buildkit',
    author: null,
    emptyLayer: true,
    layer: null,
  },
  {
    created: '2026-01-01T00:00:00Z',
    createdBy: `RUN echo \x1b[31mred\n${'long '.repeat(20)}`,
    comment: null,
    author: null,
    emptyLayer: false,
    layer: LAYER,
  },
];

type Pull = (reference: string, options?: PullEachOptions) => Promise<PulledImage>;

/** Pulls one reference after the other, as far as a command can see. */
export const pullEachBy = (pull: Pull): Images['pullEach'] =>
  async function* (references, options) {
    for (const reference of references) {
      try {
        yield {reference, pulled: await pull(reference, options)};
      } catch (error) {
        yield {reference, error};
      }
    }
  };
