/** What a request is about to do: actions on a repository (`team/app`), or on the registry as a whole. */
export interface Access {
  /** Null: the registry itself (its catalog, its ping). */
  readonly repository: string | null;
  readonly actions: readonly AccessAction[];
  /** Another repository of the registry that is read on the way: the source of a blob mount. */
  readonly alsoPull?: string | undefined;
}

export type AccessAction = 'pull' | 'push' | 'delete' | 'catalog';

interface Scope {
  /** `repository:team/app`: type and name. */
  readonly resource: string;
  readonly actions: readonly string[];
}

/**
 * The scopes to ask a token endpoint for: those of the access and those that the challenge names, one for each
 * repository.
 *
 * @see distribution docs/content/spec/auth/scope.md
 */
export function mergeScopes(access: Access, challengeScope = ''): readonly string[] {
  const merged = new Map<string, Set<string>>();
  for (const {resource, actions} of [...scopesOf(access), ...splitScopes(challengeScope)]) {
    const known = merged.get(resource) ?? new Set();
    for (const action of actions) known.add(action);
    merged.set(resource, known);
  }
  return [...merged].map(([resource, actions]) =>
    [resource, ...(actions.size > 0 ? [[...actions].join()] : [])].join(':'),
  );
}

/** What a token for this access may do, one text for each repository and action. */
export const grantsOf = (access: Access): readonly string[] =>
  scopesOf(access).flatMap(({resource, actions}) => actions.map((action) => `${resource}:${action}`));

/** What Basic is good for, as a grant: a repository, with every action. Other grants have a colon. */
export const basicGrantOf = ({repository}: Access): string => repository ?? '';

/** `read team/app`, for messages. */
export function describeAccess({repository, actions}: Access): string {
  const what = repository ?? 'what it offers';
  if (actions.includes('push')) return `write to ${what}`;
  return actions.includes('delete') ? `delete from ${what}` : `read ${what}`;
}

function scopesOf({repository, actions, alsoPull}: Access): readonly Scope[] {
  const own = repository === null ? {resource: 'registry:catalog', actions: ['*']} : scopeOf(repository, actions);
  return [...(actions.length > 0 ? [own] : []), ...(alsoPull === undefined ? [] : [scopeOf(alsoPull, ['pull'])])];
}

const scopeOf = (repository: string, actions: readonly AccessAction[]): Scope => ({
  resource: `repository:${repository}`,
  actions: actions.toSorted(),
});

/** Names may have colons of their own (`host:port/name`); what is no scope is passed on as it is. */
const splitScopes = (text: string): readonly Scope[] =>
  text
    .split(' ')
    .filter((part) => part !== '')
    .map((part) => {
      const end = part.lastIndexOf(':');
      if (end === part.indexOf(':')) return {resource: part, actions: []};
      return {resource: part.slice(0, end), actions: part.slice(end + 1).split(',')};
    });
