import {flag, grouped, type OptionValues, text} from '../arguments/option-table.ts';
import {flagsConflict} from '../arguments/usage-error.ts';
import type {CommandContext} from '../command.ts';
import {REGISTRY_FLAGS} from './registry.ts';

const PASSWORD_LIMIT_BYTES = 65_536;

/** Flags of `login` and `logout` about the registry and the file. */
export const LOGIN_PLACE_FLAGS = {
  authfile: text('FILE', 'Keep the login in this auth.json; $REGISTRY_AUTH_FILE otherwise', {
    group: 'Registry:',
    defaultsTo: "docker's config.json",
  }),
  'tls-verify': REGISTRY_FLAGS['tls-verify'],
  'cert-dir': REGISTRY_FLAGS['cert-dir'],
  cacert: REGISTRY_FLAGS.cacert,
};

/** Flags of `login` about the user. */
export const LOGIN_FLAGS = grouped('Login:', {
  username: text('USER', 'The user name; asked for on a terminal', {short: 'u'}),
  'password-stdin': flag('Read the password from standard input'),
  password: text('PASSWORD', 'The password; others on this machine may see it', {short: 'p'}),
  'get-login': flag('Print who is logged in, and change nothing'),
});

type LoginValues = OptionValues<typeof LOGIN_FLAGS>;

/**
 * The user and the password: from flags, `$WINCH_PASSWORD`, standard input or the terminal.
 *
 * @throws {WinchError} `FLAGS_CONFLICT`
 */
export async function readLogin(
  values: LoginValues,
  context: CommandContext,
): Promise<{readonly username: string; readonly password: string}> {
  const {'password-stdin': isPiped = false} = values;
  if (isPiped && values.password !== undefined) {
    throw flagsConflict('--password and --password-stdin exclude each other', 'write --password-stdin alone');
  }
  if (isPiped && values.username === undefined) {
    throw flagsConflict('--password-stdin needs a user', 'add --username USER');
  }
  const username = values.username ?? (await ask('Username: ', context));
  const password = await readPassword(values, context);
  if (username === '' || password === '') {
    throw flagsConflict('user name and password must not be empty', 'log in with both');
  }
  return {username, password};
}

async function readPassword(values: LoginValues, context: CommandContext): Promise<string> {
  const {environment, signal, remark} = context;
  if (values.password !== undefined) {
    remark('WARNING: --password shows the password to everybody who can list processes; use --password-stdin');
    return values.password;
  }
  if (values['password-stdin']) {
    const bytes = await environment.readStandardInput({limitBytes: PASSWORD_LIMIT_BYTES, signal});
    return bytes.toString().replace(/\r?\n$/, '');
  }
  return environment.variables.WINCH_PASSWORD || (await ask('Password: ', context));
}

function ask(text: string, {environment, signal}: CommandContext): Promise<string> {
  if (!environment.stdinIsTerminal()) {
    const what = text.startsWith('P') ? 'password' : 'user name';
    throw flagsConflict(
      `there is no terminal to ask for the ${what} on`,
      'add --username USER --password-stdin, or set $WINCH_PASSWORD',
    );
  }
  return environment.ask({text, isHidden: text.startsWith('P'), signal});
}
