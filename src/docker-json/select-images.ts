import {createKeyFilter, type Filters, hasLabel, type Question, whether} from '../containers/key-filter.ts';
import type {ImageSummary} from '../images/list.ts';
import {readPruneTime} from '../images/prune-words.ts';
import {compileReferencePattern} from '../images/reference-pattern.ts';
import type {Toolkit} from '../toolkit.ts';

/** Filters that name another image. */
const NEIGHBOURS = ['before', 'since'];
const EXPECTED = 'reference=PATTERN, dangling=true|false, label=, before=IMAGE, since=IMAGE or until=TIME';

export interface SelectOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Whether the labels are wanted, which costs the reading of each image's config. */
  readonly hasLabels?: boolean;
}

/**
 * The stored images that filters ask for, newest first.
 *
 * @throws {WinchError} `FILTER_INVALID` | `IMAGE_UNKNOWN` | `IMAGE_AMBIGUOUS`: of an image in a filter
 */
export async function selectImages(
  {images}: Pick<Toolkit, 'images'>,
  filters: Filters,
  {now, hasLabels = filters.label !== undefined}: SelectOptions,
): Promise<readonly ImageSummary[]> {
  const names = NEIGHBOURS.flatMap((key) => filters[key] ?? []);
  const times = new Map<string, number>();
  for (const name of names) times.set(name, timeOf(await images.inspect(name)));
  const isWanted = createImageFilter(filters, {times, now});
  return (await images.list({hasLabels})).filter(isWanted);
}

interface Moments {
  /** When the images that filters name were made. */
  readonly times: ReadonlyMap<string, number>;
  readonly now: number;
}

function createImageFilter(filters: Filters, {times, now}: Moments): Question<ImageSummary> {
  const than = (name: string): number => times.get(name) ?? Number.NaN;
  return createKeyFilter(filters, {
    what: 'images',
    questions: {
      reference: (pattern) => {
        const matches = compileReferencePattern(pattern);
        return ({repository, reference}) => [repository, reference].some((name) => name !== null && matches(name));
      },
      dangling: whether(({reference}) => reference === null),
      label: (value) => {
        const asked = hasLabel(value);
        return ({labels = {}}) => asked({labels});
      },
      before: (name) => (image) => timeOf(image) < than(name),
      since: (name) => (image) => timeOf(image) > than(name),
      until: (text) => {
        const time = readPruneTime(text, now);
        return time === null ? null : (image) => timeOf(image) < time;
      },
    },
    expected: EXPECTED,
  });
}

/** Milliseconds since 1970; what does not say is older than all. */
const timeOf = ({created}: Pick<ImageSummary, 'created'>): number => (created === null ? 0 : Date.parse(created) || 0);
