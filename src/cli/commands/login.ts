import {WinchError} from '../../errors.ts';
import type {LoginReport} from '../../images/logins/login.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {LOGIN_FLAGS, LOGIN_PLACE_FLAGS, readLogin} from '../options/login.ts';
import {parseRegistryFlags} from '../options/registry.ts';
import {safeText} from '../render/safe-text.ts';

const DEFAULT_REGISTRY = 'docker.io';

/** `winch login` */
export const loginCommand = defineCommand({
  name: 'login',
  summary: 'Log in to a registry',
  description: 'The login is checked at the registry before it is kept; docker, podman and skopeo use it as well.',
  positionals: {usage: '[REGISTRY]', minimum: 0, maximum: 1},
  options: {...LOGIN_FLAGS, ...LOGIN_PLACE_FLAGS},
  examples: [
    ['winch login ghcr.io', 'Asks for the user name and the password'],
    ['printenv TOKEN | winch login -u bot --password-stdin ghcr.io', 'In a script'],
    ['winch login --get-login ghcr.io', 'Who is logged in'],
  ],
  handle: async ({values, positionals: [registry = DEFAULT_REGISTRY]}, context) => {
    const request = values['get-login'] ? null : await readLogin(values, context);
    const toolkit = await context.openToolkit({
      references: [`${registry}/login`],
      registry: parseRegistryFlags(values),
    });
    const {signal, onEvent} = context;
    if (request === null) {
      const found = await toolkit.registries.getLogin(registry, {signal});
      if (found === null) throw notLoggedIn(registry);
      context.print(safeText(found.username ?? `<${found.kind}>`));
      return 0;
    }
    report(await toolkit.registries.login({registry, ...request}, {signal, onEvent}), context);
    return 0;
  },
});

function report({registry, kind, isVerified, helper, file}: LoginReport, {print, remark}: CommandContext): void {
  if (!isVerified) remark(`WARNING: ${registry} asks for no login: the password was not checked`);
  if (helper === null) {
    const what = kind === 'password' ? 'password' : 'token';
    remark(`WARNING: the ${what} is stored unencrypted in ${safeText(file)}; a credential helper keeps it safer`);
  }
  print('Login Succeeded');
}

function notLoggedIn(registry: string): WinchError {
  return new WinchError('LOGIN_MISSING', `nobody is logged in to ${registry.slice(registry.lastIndexOf('@') + 1)}`, {
    kind: 'unauthorized',
    hint: 'log in with winch login',
  });
}
