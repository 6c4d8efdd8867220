import type {ContainerConfig} from '../oci/container-config.ts';
import type {ImageConfig} from '../oci/image-config.ts';

/** A setting in which two image configs differ. */
export interface ConfigChange {
  /** As the config names it (`Env`, `Cmd`, `architecture`). */
  readonly field: string;
  /** Of a field that is a set of names (a variable, a label, a port, a volume); null for any other. */
  readonly name: string | null;
  /** Null: the image does not say. */
  readonly before: ConfigValue | null;
  readonly after: ConfigValue | null;
}

export type ConfigValue = string | readonly string[];

const WHOLE_FIELDS = ['Entrypoint', 'Cmd', 'WorkingDir', 'User', 'StopSignal', 'Shell'] as const;
const DOCUMENT_FIELDS = ['architecture', 'os', 'variant', 'os.version', 'author'] as const;

/** What a container of the second image would be told that one of the first is not. History and times do not count. */
export function diffConfigs(before: ImageConfig, after: ImageConfig): readonly ConfigChange[] {
  const one = before.config;
  const other = after.config;
  return [
    ...DOCUMENT_FIELDS.map((field) => wholeField(field, before[field], after[field])),
    ...WHOLE_FIELDS.map((field) => wholeField(field, one[field], other[field])),
    ...namedFields('Env', variables(one), variables(other)),
    ...namedFields('Labels', entriesOf(one.Labels), entriesOf(other.Labels)),
    ...namedFields('ExposedPorts', keysOf(one.ExposedPorts), keysOf(other.ExposedPorts)),
    ...namedFields('Volumes', keysOf(one.Volumes), keysOf(other.Volumes)),
  ].filter((change) => JSON.stringify(change.before) !== JSON.stringify(change.after));
}

type Named = ReadonlyMap<string, string>;

const wholeField = (field: string, before: ConfigValue | undefined, after: ConfigValue | undefined): ConfigChange => ({
  field,
  name: null,
  before: before ?? null,
  after: after ?? null,
});

const namedFields = (field: string, before: Named, after: Named): readonly ConfigChange[] =>
  [...new Set([...before.keys(), ...after.keys()])]
    .toSorted()
    .map((name) => ({field, name, before: before.get(name) ?? null, after: after.get(name) ?? null}));

/** Of two variables of one name the later counts. */
const variables = ({Env}: ContainerConfig): Named =>
  new Map(
    Env?.map((variable) => {
      const equals = variable.indexOf('=');
      return [variable.slice(0, equals), variable.slice(equals + 1)];
    }),
  );

const entriesOf = (record: Readonly<Record<string, string>> | undefined): Named =>
  new Map(Object.entries(record ?? {}));

const keysOf = (record: Readonly<Record<string, unknown>> | undefined): Named =>
  new Map(Object.keys(record ?? {}).map((name) => [name, '']));
