import {indexFlags} from '../arguments/read-arguments.ts';
import {allOptions, type Command} from '../command.ts';
import {GLOBAL_OPTIONS} from '../global-options.ts';
import {safeText} from '../render/safe-text.ts';

export interface CompletionSource {
  readonly commands: readonly Command[];
  /** Names of local images; asked only where one may stand. */
  readonly listReferences: () => Promise<readonly string[]>;
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
  readonly positionals: number;
  /** The choices of a flag that still wants its value; null when none does. */
  readonly pending: readonly string[] | null;
  /** Whether flags have ended. */
  readonly isClosed: boolean;
}

function follow(words: readonly string[], commands: readonly Command[]): State {
  let state: State = {command: null, positionals: 0, pending: null, isClosed: false};
  for (const word of words) state = step(state, word, commands);
  return state;
}

function step(state: State, word: string, commands: readonly Command[]): State {
  if (state.pending) return {...state, pending: null};
  if (word === '--') return {...state, isClosed: true};
  if (word.startsWith('-') && word !== '-' && !state.isClosed) return {...state, pending: wantedValue(state, word)};
  if (!state.command) return {...state, command: commands.find(({name}) => name === word) ?? null};
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
  const {command, positionals, pending, isClosed} = state;
  if (pending) return pending;
  if (current.startsWith('-') && !isClosed) return flagCandidates(command);
  if (!command) return source.commands.map(({name, summary}) => `${name}\t${summary}`);
  if (command.name === 'completion') return ['bash', 'zsh', 'fish'];
  return positionals < (command.positionals.images ?? 0) ? source.listReferences() : [];
}

const flagCandidates = (command: Command | null): readonly string[] =>
  Object.entries(command ? allOptions(command) : GLOBAL_OPTIONS).map(
    ([name, {description}]) => `--${name}\t${description}`,
  );

const safeCandidate = (candidate: string): string => candidate.split('\t').map(safeText).join('\t');
