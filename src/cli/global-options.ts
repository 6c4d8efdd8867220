import {SNAPSHOTTERS} from '../snapshots/snapshotter.ts';
import {choice, flag, grouped, text} from './arguments/option-table.ts';

/** Flags of every command, before or after its name. */
export const GLOBAL_OPTIONS = grouped('Everywhere:', {
  root: text('DIR', 'The store; $WINCH_ROOT otherwise', {
    defaultsTo: '/var/lib/winch for root, else $XDG_DATA_HOME/winch',
  }),
  progress: choice(['auto', 'plain', 'json', 'none'], 'How to report progress on standard error', {defaultsTo: 'auto'}),
  quiet: flag('No progress and no remarks', {short: 'q'}),
  durability: choice(['full', 'fast'], 'Whether what is stored survives a power cut (full) or a crash (fast)', {
    defaultsTo: 'full',
  }),
  snapshotter: choice(SNAPSHOTTERS, 'How images are mounted; $WINCH_SNAPSHOTTER otherwise', {
    defaultsTo: 'the first that works, see winch info',
  }),
  insecure: flag('The registries of the named images may use plain HTTP or unverified TLS'),
  debug: flag('Show what goes over the wire, secrets masked, and the stack of an error'),
  trace: text('FILE', 'Write where the time goes, for ui.perfetto.dev or chrome://tracing'),
  help: flag('Show this page', {short: 'h'}),
});
