// The bundled command is one script. V8 compiles it in 40 ms; of what it compiled in an earlier run of the same command
// it makes it in 5. Node's own cache of modules keeps no function that was compiled after the loading.
const fs = require('node:fs');
const {dirname, join} = require('node:path');
const {pathToFileURL} = require('node:url');
const {Script} = require('node:vm');

const COMMAND = /^[a-z]+$/;
const HELP = ['--help', '-h'];
const OLD_MS = 30 * 24 * 3600 * 1000;

/**
 * Loads the bundle, whose first line names its content, as a function of the `module` that it fills and of its URL.
 *
 * @param cacheDirectory Only this user can write to it; null: nothing is kept.
 */
function loadBundle(path, cacheDirectory) {
  // It is ASCII throughout, so its bytes are its letters.
  const source = fs.readFileSync(path, 'latin1');
  const content = source.slice('//'.length, source.indexOf('\n'));
  const pathOf = (word) => join(cacheDirectory, `${content}-${process.version}-${process.arch}-${word}`);
  const words = cacheDirectory === null ? [] : likelyCommands(process.argv.slice(2));
  const cachedData = readFirst(words.map(pathOf));
  const script = new Script(source, {filename: path, cachedData});
  const module = {exports: {}};
  script.runInThisContext()(module, pathToFileURL(path).href);
  if (cachedData === undefined || script.cachedDataRejected) {
    process.once('exit', (exitCode) => {
      const command = words.find((word) => module.exports.isCommandWord(word));
      if (exitCode === 0 && command !== undefined) keep(script, pathOf(command));
    });
  }
  return module.exports;
}

/** Each command has its own: what another one needs would be read for nothing. Before the command stand options. */
function likelyCommands(words) {
  return words.some((word) => HELP.includes(word)) ? [] : words.filter((word) => COMMAND.test(word)).slice(0, 3);
}

function readFirst(paths) {
  for (const path of paths) {
    try {
      return fs.readFileSync(path);
    } catch {}
  }
  return undefined;
}

/** Durable before it has its name: V8 checks little of what it is given. */
function keep(script, path) {
  const temporary = `${path}.${process.pid}`;
  try {
    removeOld(dirname(path));
    fs.writeFileSync(temporary, script.createCachedData(), {mode: 0o600, flag: 'wx', flush: true});
    fs.renameSync(temporary, path);
  } catch {
    fs.rmSync(temporary, {force: true});
  }
}

/** Of earlier versions, and of writers that were killed. */
function removeOld(directory) {
  const oldest = Date.now() - OLD_MS;
  for (const entry of fs.readdirSync(directory, {withFileTypes: true})) {
    const path = join(directory, entry.name);
    if (entry.isFile() && fs.lstatSync(path).mtimeMs < oldest) fs.rmSync(path, {force: true});
  }
}

module.exports = {loadBundle};
