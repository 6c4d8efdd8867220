#!/usr/bin/env node
// Plain JavaScript that an old Node reads as well: all it has to do there is to find a newer one.
// CommonJS, since the other kind of module costs a Node that has nothing else to load 2 ms.
const {existsSync, mkdirSync, readFileSync} = require('node:fs');
const {dirname, isAbsolute, join} = require('node:path');
const {isPrivate} = require('./private-directory.js');

const OLDEST_MAJOR = 24;
const packageDirectory = dirname(__dirname);

if (Number.parseInt(process.versions.node, 10) < OLDEST_MAJOR) {
  require('./newer-node.js').runUnderNewerNode({script: __filename, oldestMajor: OLDEST_MAJOR});
} else if (process.argv.length === 3 && ['--version', '-v'].includes(process.argv[2])) printVersion();
else runCommand();

function printVersion() {
  const {version} = JSON.parse(readFileSync(join(packageDirectory, 'package.json'), 'utf8'));
  process.stdout.write(`winch ${version}\n`);
}

async function runCommand() {
  // Two layers that are written at once keep four threads busy, the default number; read when the first one starts.
  process.env.UV_THREADPOOL_SIZE ??= '8';
  const {main} = await loadMain(openCacheDirectory());
  await main();
  // Everything is written and closed by now. A process that ends by itself takes its heap apart first, for 2 ms.
  process.exit();
}

/** A package has the bundled command; a checkout that was not built has its source, which Node strips of its types. */
function loadMain(cacheDirectory) {
  if (existsSync(join(packageDirectory, 'dist/bundled/command.chunks'))) {
    return require('./load-bundle.js').loadCommand(cacheDirectory);
  }
  if (cacheDirectory !== null) process.getBuiltinModule('node:module').enableCompileCache(cacheDirectory);
  const built = join(packageDirectory, 'dist/cli/main.js');
  const path = existsSync(built) ? built : join(packageDirectory, 'src/cli/main.ts');
  return import(require('node:url').pathToFileURL(path).href);
}

/** Compiled code is executed, so it must lie in a directory that nobody else can write to; null without one. */
function openCacheDirectory() {
  const {XDG_CACHE_HOME = '', HOME = '', NODE_DISABLE_COMPILE_CACHE} = process.env;
  const cacheHome = isAbsolute(XDG_CACHE_HOME) ? XDG_CACHE_HOME : isAbsolute(HOME) ? join(HOME, '.cache') : null;
  if (cacheHome === null || NODE_DISABLE_COMPILE_CACHE) return null;
  const directory = join(cacheHome, 'winch', 'compiled');
  try {
    mkdirSync(directory, {recursive: true, mode: 0o700});
  } catch {
    return null;
  }
  return isPrivate(directory) ? directory : null;
}
