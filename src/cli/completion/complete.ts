import {indexFlags} from '../arguments/read-arguments.ts';
import {allOptions, type Command} from '../command.ts';
import {GLOBAL_OPTIONS} from '../global-options.ts';
import {safeText} from '../render/safe-text.ts';

export interface CompletionSource {
  readonly commands: readonly Command[];
  /** Names of local images; asked only where one may stand. */
  readonly listReferences: () => Promise<readonly string[]>;
  /** Names of containers, and ids of those without one; asked only where one may stand. */
  readonly listContainers: () => Promise<readonly string[]>;
  /** Names of volumes; asked only where one may stand. */
  readonly listVolumes: () => Promise<readonly string[]>;
}

/**
 * What may stand in place of the last word, as `word` or `word<TAB>description`. Nothing means that winch has no opinion,
 * and the shell offers files.
 */
export async function complete(words: readonly string[], source: CompletionSource): Promise<readonly string[]> {
  const current = words.at(-1) ?? '';
  const state = follow(words.slice(0, -1), source.commands);
  const candidates = await candidatesFor(state, current, source);
  return candidates.filter((candidate) => candidate.startsWith(current)).map(safeCandidate);
}

interface State {
  readonly command: Command | null;
  /** The first word of commands that have two, while the second is missing; empty: none. */
  readonly group: string;
  readonly positionals: number;
  /** The choices of a flag that still wants its value; null when none does. */
  readonly pending: readonly string[] | null;
  /** Whether flags have ended. */
  readonly isClosed: boolean;
}

function follow(words: readonly string[], commands: readonly Command[]): State {
  let state: State = {command: null, group: '', positionals: 0, pending: null, isClosed: false};
  for (const word of words) state = step(state, word, commands);
  return state;
}

function step(state: State, word: string, commands: readonly Command[]): State {
  if (state.pending) return {...state, pending: null};
  if (word === '--') return {...state, isClosed: true};
  if (word.startsWith('-') && word !== '-' && !state.isClosed) return {...state, pending: wantedValue(state, word)};
  if (!state.command) {
    const name = `${state.group}${word}`;
    const isGroup = commands.some((command) => command.name.startsWith(`${name} `));
    return {
      ...state,
      command: commands.find((command) => command.name === name) ?? null,
      group: isGroup ? `${name} ` : '',
    };
  }
  return {...state, positionals: state.positionals + 1, isClosed: state.isClosed || !!state.command.stopsAtPositional};
}

// A cluster such as `-itv` wants the value of its last letter.
function wantedValue({command}: State, word: string): readonly string[] | null {
  if (word.includes('=')) return null;
  const flags = indexFlags(command ? allOptions(command) : GLOBAL_OPTIONS);
  const spec = flags.get(word.startsWith('--') ? word : `-${word.at(-1)}`)?.spec;
  return spec === undefined || spec.kind === 'flag' ? null : (spec.choices ?? []);
}

async function candidatesFor(state: State, current: string, source: CompletionSource): Promise<readonly string[]> {
  const {command, group, positionals, pending, isClosed} = state;
  if (pending) return pending;
  if (current.startsWith('-') && !isClosed) return flagCandidates(command);
  if (!command) return commandCandidates(group, source.commands);
  if (command.name === 'completion') return ['bash', 'zsh', 'fish'];
  const {images = 0, beforeImages = 0, areContainers = false, maximumContainers = Infinity} = command.positionals;
  const containers = areContainers && positionals < maximumContainers ? await source.listContainers() : [];
  if (command.positionals.areVolumes) return source.listVolumes();
  const isImage = positionals >= beforeImages && positionals < beforeImages + images;
  return isImage ? [...containers, ...(await source.listReferences())] : containers;
}

/** The next word of each command that begins with `group`; a word that several share stands for all of them. */
function commandCandidates(group: string, commands: readonly Command[]): readonly string[] {
  const byWord = Map.groupBy(
    commands.filter(({name}) => name.startsWith(group)),
    ({name}) => name.slice(group.length).split(' ', 1)[0] ?? '',
  );
  return [...byWord].map(([word, members]) => {
    const [first] = members;
    const isGroup = first !== undefined && first.name !== `${group}${word}`;
    const others = members.map(({name}) => name.slice(group.length + word.length + 1)).join(', ');
    return `${word}\t${isGroup ? others : (first?.summary ?? '')}`;
  });
}

const flagCandidates = (command: Command | null): readonly string[] =>
  Object.entries(command ? allOptions(command) : GLOBAL_OPTIONS).map(
    ([name, {description}]) => `--${name}\t${description}`,
  );

const safeCandidate = (candidate: string): string => candidate.split('\t').map(safeText).join('\t');
