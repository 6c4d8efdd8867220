#!/usr/bin/env node
// Plain JavaScript that an old Node reads as well: all it has to do there is to find a newer one.
// Not by import statements: they read every export of a module, which takes 5 ms.
const {existsSync, lstatSync, mkdirSync, readFileSync} = await loadBuiltin('node:fs');
const {dirname, isAbsolute, join} = await loadBuiltin('node:path');
const {fileURLToPath, pathToFileURL} = await loadBuiltin('node:url');

const OLDEST_MAJOR = 24;
const FORWARDED_SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'];
const packageDirectory = dirname(dirname(fileURLToPath(import.meta.url)));

if (majorOf(process.versions.node) < OLDEST_MAJOR) await runUnderNewerNode();
else if (process.argv.length === 3 && ['--version', '-v'].includes(process.argv[2])) printVersion();
else await runCommand();

function printVersion() {
  const {version} = JSON.parse(readFileSync(join(packageDirectory, 'package.json'), 'utf8'));
  process.stdout.write(`winch ${version}\n`);
}

async function runCommand() {
  // Two layers that are written at once keep four threads busy, the default number; read when the first one starts.
  process.env.UV_THREADPOOL_SIZE ??= '8';
  await enableCompileCache();
  // A package has the bundled command; a checkout that was not built has its source, which Node strips of its types.
  const candidates = ['dist/bundled/main.js', 'dist/cli/main.js', 'src/cli/main.ts'];
  const main = candidates.map((path) => join(packageDirectory, path)).find((path) => existsSync(path));
  const {main: run} = await import(pathToFileURL(main ?? candidates[0]).href);
  await run();
}

/** Compiled code is executed, so it must lie in a directory that nobody else can write to. */
async function enableCompileCache() {
  const {XDG_CACHE_HOME = '', HOME = '', NODE_DISABLE_COMPILE_CACHE} = process.env;
  const cacheHome = isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : isAbsolute(HOME) ? join(HOME, '.cache') : null;
  if (cacheHome === null || NODE_DISABLE_COMPILE_CACHE) return;
  const directory = join(cacheHome, 'winch', 'compiled');
  try {
    mkdirSync(directory, {recursive: true, mode: 0o700});
    const status = lstatSync(directory);
    if (!status.isDirectory() || status.uid !== process.geteuid() || (status.mode & 0o022) !== 0) return;
  } catch {
    return;
  }
  const {enableCompileCache} = await loadBuiltin('node:module');
  enableCompileCache(directory);
}

async function runUnderNewerNode() {
  const node = findNode();
  if (node === null) {
    process.stderr.write(
      `winch: NODE_TOO_OLD: this is Node ${process.versions.node}, and winch needs ${OLDEST_MAJOR} or later: ` +
        'install it from https://nodejs.org, or beside winch with: npm install node\n',
    );
    process.exitCode = 1;
    return;
  }
  const {spawn} = await import('node:child_process');
  const words = [...process.execArgv, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
  // Listens first: a signal between the start and the listening would end this process and leave the other running.
  let child = null;
  const stopForwarding = forwardSignals((signal) => child?.kill(signal));
  child = spawn(node, words, {stdio: 'inherit'});
  child.on('error', (error) => {
    process.stderr.write(`winch: NODE_FAILED: ${node} cannot be started: ${error.message}\n`);
    process.exitCode = 1;
    stopForwarding();
  });
  child.on('exit', (code, signal) => {
    stopForwarding();
    if (signal === null) process.exitCode = code;
    else process.kill(process.pid, signal);
  });
}

/** The `node` package of npm, here or in a directory above, as it brings the binary of the version it has itself. */
function findNode() {
  for (let directory = packageDirectory; ; directory = dirname(directory)) {
    const found = join(directory, 'node_modules', 'node');
    if (isNewEnough(found)) return join(found, 'bin', 'node');
    if (dirname(directory) === directory) return null;
  }
}

function isNewEnough(directory) {
  try {
    const {version} = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    return majorOf(version) >= OLDEST_MAJOR && existsSync(join(directory, 'bin', 'node'));
  } catch {
    return false;
  }
}

/** Returns what stops it. */
function forwardSignals(send) {
  const forward = (signal) => {
    // These a terminal sends to both processes by itself.
    const isShared = process.stdin.isTTY && ['SIGINT', 'SIGQUIT', 'SIGWINCH'].includes(signal);
    if (!isShared) send(signal);
  };
  for (const signal of FORWARDED_SIGNALS) process.on(signal, forward);
  return () => FORWARDED_SIGNALS.forEach((signal) => void process.off(signal, forward));
}

/** Nodes before 20.16 know no other way than an import. */
function loadBuiltin(name) {
  return process.getBuiltinModule ? process.getBuiltinModule(name) : import(name);
}

function majorOf(version) {
  return Number.parseInt(version, 10);
}
