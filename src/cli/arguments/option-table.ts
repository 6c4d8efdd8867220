/** One flag of a command, as data: the reader, the help page and the completion all work from it. */
export interface OptionSpec {
  /** `flag`: true or false. `text`: the last one given wins. `list`: may be given again and again. */
  readonly kind: 'flag' | 'text' | 'list';
  readonly description: string;
  /** One letter. */
  readonly short?: string;
  /** Further long names. */
  readonly aliases?: readonly string[];
  /** What the value looks like (`KEY=value`), for help and error texts. */
  readonly placeholder?: string;
  readonly choices?: readonly string[];
  /** What holds when the flag is absent, for the help page only. */
  readonly defaultsTo?: string;
  /** Heading on the help page. */
  readonly group?: string;
}

/** Long names (without dashes) to flags. */
export type OptionTable = Readonly<Record<string, OptionSpec>>;

/** What the reader makes of a table's flags; an absent flag is an absent key. */
export type OptionValues<T extends OptionTable> = {readonly [K in keyof T]?: OptionValue<T[K]>};

type OptionValue<S extends OptionSpec> = S['kind'] extends 'flag'
  ? boolean
  : S['kind'] extends 'list'
    ? readonly string[]
    : S extends {readonly choices: readonly (infer Choice)[]}
      ? Choice
      : string;

type Extras = Omit<OptionSpec, 'kind' | 'description' | 'placeholder' | 'choices'>;

/** A flag without a value. */
export const flag = (description: string, extras: Extras = {}) => ({kind: 'flag', description, ...extras}) as const;

/** A flag with one value. */
export const text = (placeholder: string, description: string, extras: Extras = {}) =>
  ({kind: 'text', placeholder, description, ...extras}) as const;

/** A flag with one value out of few. */
export const choice = <const C extends readonly string[]>(choices: C, description: string, extras: Extras = {}) =>
  ({kind: 'text', choices, placeholder: choices.join('|'), description, ...extras}) as const;

/** A flag with a value that may be given more than once. */
export const list = (placeholder: string, description: string, extras: Extras = {}) =>
  ({kind: 'list', placeholder, description, ...extras}) as const;

/** The same table with one heading for all its flags. */
export const grouped = <T extends OptionTable>(group: string, table: T): T =>
  Object.fromEntries(Object.entries(table).map(([name, spec]) => [name, {...spec, group}])) as unknown as T;
