/** Something that has happened to what a store keeps, in the shape of the messages of docker's `/events`. */
export interface StoreEvent {
  readonly Type: EventType;
  /** What was done, or has happened; of some with what it is about behind it: `health_status: healthy`, `exec_start: ls -l`. */
  readonly Action: string;
  /** To what: the id of a container or an image (`pull`: its name), the id of a network, the name of a volume. */
  readonly Actor: {readonly ID: string; readonly Attributes: Readonly<Record<string, string>>};
  readonly scope: 'local';
  /** Seconds since 1970. */
  readonly time: number;
  /** Nanoseconds since 1970, exact to a microsecond. */
  readonly timeNano: number;
}

export type EventType = 'container' | 'image' | 'network' | 'volume';

/** As docker has it: of one key any must hold, but of labels all, and all keys must hold. */
export interface EventFilters {
  readonly type?: readonly string[] | undefined;
  /** Actions; `health_status`, `exec_create`, `exec_start` and `exec_die` stand for all that begin so. */
  readonly event?: readonly string[] | undefined;
  /** Names and ids, or how these begin. */
  readonly container?: readonly string[] | undefined;
  readonly volume?: readonly string[] | undefined;
  readonly network?: readonly string[] | undefined;
  /** Names with or without their tags, and ids; of a container those of its image. */
  readonly image?: readonly string[] | undefined;
  /** `NAME` or `NAME=value`. */
  readonly label?: readonly string[] | undefined;
}

const TAG_OR_DIGEST = /(?::[^/:@]+)?(?:@[^@]+)?$/;

/** Whether somebody who asks for these wants this event. */
export function matchesEvent(event: StoreEvent, filters: EventFilters): boolean {
  const {type, event: action, container, volume, network, image, label = []} = filters;
  return (
    isAny(type, (value) => event.Type === value) &&
    isAny(action, (value) => event.Action === value || event.Action.startsWith(`${value}: `)) &&
    isAny(container, (value) => isNamed(event, 'container', value)) &&
    isAny(volume, (value) => isNamed(event, 'volume', value)) &&
    isAny(network, (value) => isNamed(event, 'network', value)) &&
    isAny(image, (value) => isOfImage(event, value)) &&
    label.every((value) => hasLabel(event, value))
  );
}

const isAny = (values: readonly string[] | undefined, accepts: (value: string) => boolean): boolean =>
  values === undefined || values.length === 0 || values.some(accepts);

const isNamed = ({Type, Actor: {ID, Attributes}}: StoreEvent, type: EventType, value: string): boolean =>
  Type === type && (ID.startsWith(value) || (attribute(Attributes, 'name')?.startsWith(value) ?? false));

function isOfImage({Type, Actor: {ID, Attributes}}: StoreEvent, value: string): boolean {
  if (Type !== 'image' && Type !== 'container') return false;
  const names = Type === 'image' ? [ID, attribute(Attributes, 'name')] : [attribute(Attributes, 'image')];
  return names.some((name) => name !== undefined && (name === value || name.replace(TAG_OR_DIGEST, '') === value));
}

function hasLabel({Actor: {Attributes}}: StoreEvent, value: string): boolean {
  const equals = value.indexOf('=');
  const found = attribute(Attributes, equals < 0 ? value : value.slice(0, equals));
  return found !== undefined && (equals < 0 || found === value.slice(equals + 1));
}

const attribute = (attributes: StoreEvent['Actor']['Attributes'], name: string): string | undefined =>
  Object.hasOwn(attributes, name) ? attributes[name] : undefined;
