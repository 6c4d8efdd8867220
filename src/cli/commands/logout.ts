import type {LogoutReport} from '../../images/logins/logout.ts';
import {flag} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {LOGIN_PLACE_FLAGS} from '../options/login.ts';
import {parseRegistryFlags} from '../options/registry.ts';
import {safeText} from '../render/safe-text.ts';

const DEFAULT_REGISTRY = 'docker.io';

/** `winch logout` */
export const logoutCommand = defineCommand({
  name: 'logout',
  summary: 'Forget the login to a registry',
  positionals: {usage: '[REGISTRY]', minimum: 0, maximum: 1},
  options: {
    all: flag('Forget every login', {short: 'a'}),
    authfile: LOGIN_PLACE_FLAGS.authfile,
  },
  examples: [
    ['winch logout ghcr.io', 'This registry'],
    ['winch logout --all', 'Every login in the file, and what its helpers keep'],
  ],
  handle: async ({values, positionals: [registry]}, context) => {
    if (values.all && registry !== undefined) {
      throw flagsConflict('--all and a registry exclude each other', 'write one of the two');
    }
    const toolkit = await context.openToolkit({registry: parseRegistryFlags(values)});
    const {signal} = context;
    const reports = values.all
      ? await toolkit.registries.logoutEverywhere({signal})
      : [await toolkit.registries.logout(registry ?? DEFAULT_REGISTRY, {signal})];
    for (const report of reports) print(report, context);
    return 0;
  },
});

function print({registry, wasLoggedIn, remaining}: LogoutReport, context: CommandContext): void {
  if (wasLoggedIn) context.print(`Removed the login to ${safeText(registry)}`);
  else context.remark(`not logged in to ${safeText(registry)}`);
  if (remaining !== null) {
    context.remark(`WARNING: ${safeText(remaining.source)} still has a login to ${safeText(registry)}`);
  }
}
