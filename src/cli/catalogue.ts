import type {Command} from './command.ts';

// In the order of the help page. Each loads alone: `run` must not pay for the others.
const LOADERS: Readonly<Record<string, () => Promise<Command>>> = {
  pull: async () => (await import('./commands/pull.ts')).pullCommand,
  push: async () => (await import('./commands/push.ts')).pushCommand,
  copy: async () => (await import('./commands/copy.ts')).copyCommand,
  sync: async () => (await import('./commands/sync.ts')).syncCommand,
  save: async () => (await import('./commands/save.ts')).saveCommand,
  load: async () => (await import('./commands/load.ts')).loadCommand,
  'cache save': async () => (await import('./commands/cache-save.ts')).cacheSaveCommand,
  'cache restore': async () => (await import('./commands/cache-restore.ts')).cacheRestoreCommand,
  import: async () => (await import('./commands/import.ts')).importCommand,
  export: async () => (await import('./commands/export.ts')).exportCommand,
  run: async () => (await import('./commands/run.ts')).runCommand,
  create: async () => (await import('./commands/create.ts')).createCommand,
  start: async () => (await import('./commands/start.ts')).startCommand,
  attach: async () => (await import('./commands/attach.ts')).attachCommand,
  exec: async () => (await import('./commands/exec.ts')).execCommand,
  ps: async () => (await import('./commands/ps.ts')).psCommand,
  logs: async () => (await import('./commands/logs.ts')).logsCommand,
  wait: async () => (await import('./commands/wait.ts')).waitCommand,
  stop: async () => (await import('./commands/stop.ts')).stopCommand,
  kill: async () => (await import('./commands/kill.ts')).killCommand,
  restart: async () => (await import('./commands/restart.ts')).restartCommand,
  pause: async () => (await import('./commands/pause.ts')).pauseCommand,
  unpause: async () => (await import('./commands/unpause.ts')).unpauseCommand,
  top: async () => (await import('./commands/top.ts')).topCommand,
  stats: async () => (await import('./commands/stats.ts')).statsCommand,
  'healthcheck run': async () => (await import('./commands/healthcheck-run.ts')).healthcheckRunCommand,
  events: async () => (await import('./commands/events.ts')).eventsCommand,
  update: async () => (await import('./commands/update.ts')).updateCommand,
  rename: async () => (await import('./commands/rename.ts')).renameCommand,
  rm: async () => (await import('./commands/rm.ts')).rmCommand,
  commit: async () => (await import('./commands/commit.ts')).commitCommand,
  'volume create': async () => (await import('./commands/volume-create.ts')).volumeCreateCommand,
  'volume ls': async () => (await import('./commands/volume-ls.ts')).volumeLsCommand,
  'volume inspect': async () => (await import('./commands/volume-inspect.ts')).volumeInspectCommand,
  'volume rm': async () => (await import('./commands/volume-rm.ts')).volumeRmCommand,
  'volume export': async () => (await import('./commands/volume-export.ts')).volumeExportCommand,
  'volume import': async () => (await import('./commands/volume-import.ts')).volumeImportCommand,
  'volume prune': async () => (await import('./commands/volume-prune.ts')).volumePruneCommand,
  port: async () => (await import('./commands/port.ts')).portCommand,
  'network create': async () => (await import('./commands/network-create.ts')).networkCreateCommand,
  'network ls': async () => (await import('./commands/network-ls.ts')).networkLsCommand,
  'network inspect': async () => (await import('./commands/network-inspect.ts')).networkInspectCommand,
  'network connect': async () => (await import('./commands/network-connect.ts')).networkConnectCommand,
  'network disconnect': async () => (await import('./commands/network-disconnect.ts')).networkDisconnectCommand,
  'network rm': async () => (await import('./commands/network-rm.ts')).networkRmCommand,
  'network prune': async () => (await import('./commands/network-prune.ts')).networkPruneCommand,
  'container prune': async () => (await import('./commands/container-prune.ts')).containerPruneCommand,
  bundle: async () => (await import('./commands/bundle.ts')).bundleCommand,
  unmount: async () => (await import('./commands/unmount.ts')).unmountCommand,
  images: async () => (await import('./commands/images.ts')).imagesCommand,
  inspect: async () => (await import('./commands/inspect.ts')).inspectCommand,
  history: async () => (await import('./commands/history.ts')).historyCommand,
  tree: async () => (await import('./commands/tree.ts')).treeCommand,
  files: async () => (await import('./commands/files.ts')).filesCommand,
  cat: async () => (await import('./commands/cat.ts')).catCommand,
  cp: async () => (await import('./commands/cp.ts')).cpCommand,
  diff: async () => (await import('./commands/diff.ts')).diffCommand,
  which: async () => (await import('./commands/which.ts')).whichCommand,
  tag: async () => (await import('./commands/tag.ts')).tagCommand,
  untag: async () => (await import('./commands/untag.ts')).untagCommand,
  rmi: async () => (await import('./commands/rmi.ts')).rmiCommand,
  prune: async () => (await import('./commands/prune.ts')).pruneCommand,
  df: async () => (await import('./commands/df.ts')).dfCommand,
  check: async () => (await import('./commands/check.ts')).checkCommand,
  tags: async () => (await import('./commands/tags.ts')).tagsCommand,
  digest: async () => (await import('./commands/digest.ts')).digestCommand,
  'remote inspect': async () => (await import('./commands/remote-inspect.ts')).remoteInspectCommand,
  'manifest get': async () => (await import('./commands/manifest-get.ts')).manifestGetCommand,
  'manifest put': async () => (await import('./commands/manifest-put.ts')).manifestPutCommand,
  'manifest delete': async () => (await import('./commands/manifest-delete.ts')).manifestDeleteCommand,
  config: async () => (await import('./commands/config.ts')).configCommand,
  'blob get': async () => (await import('./commands/blob-get.ts')).blobGetCommand,
  'blob head': async () => (await import('./commands/blob-head.ts')).blobHeadCommand,
  referrers: async () => (await import('./commands/referrers.ts')).referrersCommand,
  catalog: async () => (await import('./commands/catalog.ts')).catalogCommand,
  ratelimit: async () => (await import('./commands/ratelimit.ts')).ratelimitCommand,
  login: async () => (await import('./commands/login.ts')).loginCommand,
  logout: async () => (await import('./commands/logout.ts')).logoutCommand,
  'registry explain': async () => (await import('./commands/registry-explain.ts')).registryExplainCommand,
  serve: async () => (await import('./commands/serve.ts')).serveCommand,
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand,
  info: async () => (await import('./commands/info.ts')).infoCommand,
  version: async () => (await import('./commands/version.ts')).versionCommand,
  completion: async () => (await import('./commands/completion.ts')).completionCommand,
  __complete: async () => (await import('./commands/complete.ts')).completeCommand,
};

const ALIASES: Readonly<Record<string, string>> = {ls: 'images'};

/** The command of this name, or null. */
export async function loadCommand(name: string): Promise<Command | null> {
  const load = Object.hasOwn(ALIASES, name) ? LOADERS[ALIASES[name] ?? ''] : ownLoader(name);
  return (await load?.()) ?? null;
}

/** All commands that are shown, in the order of the help page. */
export async function loadCommands(): Promise<readonly Command[]> {
  const commands = await Promise.all(Object.values(LOADERS).map((load) => load()));
  return commands.filter((command) => !command.isHidden);
}

/** Whether a name stands for several commands (`registry explain`). */
export const isCommandGroup = (name: string): boolean => commandGroups().includes(name);

/** The second words of a group. */
export const commandsOfGroup = (group: string): readonly string[] =>
  Object.keys(LOADERS)
    .filter((name) => name.startsWith(`${group} `))
    .map((name) => name.slice(group.length + 1));

/** The first words that stand for several commands, each once. */
export const commandGroups = (): readonly string[] => [
  ...new Set(Object.keys(LOADERS).flatMap((name) => (name.includes(' ') ? [name.slice(0, name.indexOf(' '))] : []))),
];

/** Every name that `loadCommand` knows and a user may type. */
export const commandNames = (): readonly string[] =>
  [...Object.keys(LOADERS), ...Object.keys(ALIASES)].filter((name) => !name.startsWith('_'));

const ownLoader = (name: string) => (Object.hasOwn(LOADERS, name) ? LOADERS[name] : undefined);
