// The bundle is a file of chunks. Each is compiled when it is first imported, of what V8 compiled in an earlier
// run of the same command: V8 takes 55 ms for all of them, 12 for those that a command needs, and 3 for those that were
// kept. Node's own cache of modules keeps no function that was compiled after the loading.
const fs = require('node:fs');
const {dirname, join} = require('node:path');
const {pathToFileURL} = require('node:url');
const {Script} = require('node:vm');

const COMMAND = /^[a-z]+$/;
const HELP = ['--help', '-h'];
const OLD_MS = 30 * 24 * 3600 * 1000;
/** Of the hash in the first line. */
const CONTENT_LETTERS = 32;
/** V8 copies compiled code that begins anywhere else. */
const ALIGNMENT = 8;

/** Of two that a library makes when it is loaded, for texts of errors: 10 ms. */
class ListFormat {
  #values;
  constructor(...values) {
    this.#values = values;
  }
  format(list) {
    return new Intl.ListFormat(...this.#values).format(list);
  }
}

const bundlePath = join(dirname(__dirname), 'dist/bundled/command.chunks');

/**
 * Loads the command.
 *
 * @param cacheDirectory Only this user can write to it; null: nothing is kept.
 */
function loadCommand(cacheDirectory) {
  const words = likelyCommands(process.argv.slice(2));
  return load('main', {cacheDirectory, words, choose: (main) => words.find((word) => main.isCommandWord(word))});
}

/** Loads another program of the bundle, which begins at once; compiled code is where Node's own is, if that is kept. */
function loadProcess(name) {
  load(name, {cacheDirectory: process.env.NODE_COMPILE_CACHE || null, words: [name], choose: () => name});
}

/** @param choose Of what is loaded, the word under which compiled code is to be kept; undefined: none. */
function load(name, {cacheDirectory, words, choose}) {
  const file = openChunks(bundlePath);
  const pathOf = (word) => join(cacheDirectory, `${file.content}-${process.version}-${process.arch}-${word}`);
  const kept = cacheDirectory === null ? new Map() : readFirst(words.map(pathOf));
  const scripts = new Map();
  const loaded = linkFrom((chunkName) => {
    const chunk = kept.get(chunkName) ?? {...file.read(chunkName), code: undefined};
    const options = {filename: bundlePath, lineOffset: chunk.line, cachedData: chunk.code};
    const script = new Script(chunk.text(), options);
    scripts.set(chunkName, {script, chunk, isNew: chunk.code === undefined || script.cachedDataRejected});
    return script.runInThisContext();
  })(name);
  process.once('exit', (exitCode) => {
    const word = exitCode === 0 && cacheDirectory !== null ? choose(loaded) : undefined;
    const isIncomplete = [...scripts.values()].some(({isNew}) => isNew);
    if (word !== undefined && isIncomplete) keep(pathOf(word), {kept, scripts});
  });
  return loaded;
}

/** Calls each chunk once, with what it imports others by. */
function linkFrom(compile) {
  const loaded = new Map();
  // Modules look for others, which are JavaScript as well, beside where they are themselves.
  const url = pathToFileURL(join(dirname(bundlePath), 'main.js')).href;
  const load = async (name) => need(name);
  function need(name) {
    if (!loaded.has(name)) loaded.set(name, compile(name)(need, load, require, url, ListFormat));
    return loaded.get(name);
  }
  return need;
}

function openChunks(path) {
  const fd = fs.openSync(path);
  const content = readAt(fd, 0, CONTENT_LETTERS);
  let index;
  return {
    content,
    read: (name) => {
      index ??= readIndex(fd);
      const [start, length, line] = index.places[name];
      return {line, text: () => readAt(fd, index.end + start, length)};
    },
  };
}

/** The second line. */
function readIndex(fd) {
  const start = CONTENT_LETTERS + 1;
  let text = '';
  while (!text.includes('\n')) text += readAt(fd, start + text.length, 65536);
  const length = text.indexOf('\n');
  return {places: JSON.parse(text.slice(0, length)), end: start + length + 1};
}

function readAt(fd, position, length) {
  const bytes = Buffer.allocUnsafe(length);
  return bytes.latin1Slice(0, fs.readSync(fd, bytes, 0, length, position));
}

/** Each command has its own: what another one needs would be read for nothing. Before the command stand options. */
function likelyCommands(words) {
  return words.some((word) => HELP.includes(word)) ? [] : words.filter((word) => COMMAND.test(word)).slice(0, 3);
}

/** The chunks that were kept, by their names. */
function readFirst(paths) {
  for (const path of paths) {
    try {
      return readKept(fs.readFileSync(path));
    } catch {}
  }
  return new Map();
}

/** A line of JSON with `[name, line, length of the text, length of the code]` of each; then, aligned, text and code. */
function readKept(bytes) {
  const end = bytes.indexOf('\n');
  const kept = new Map();
  let position = end + 1;
  const take = (length) => {
    const start = position + padding(position);
    position = start + length;
    return bytes.subarray(start, position);
  };
  for (const [name, line, textLength, codeLength] of JSON.parse(bytes.latin1Slice(0, end))) {
    const text = take(textLength);
    kept.set(name, {line, text: () => text.latin1Slice(), code: take(codeLength)});
  }
  return kept;
}

const padding = (position) => (ALIGNMENT - (position % ALIGNMENT)) % ALIGNMENT;

/** With what was kept before: a command does not always do all that it can. Durable before it has its name. */
function keep(path, {kept, scripts}) {
  const temporary = `${path}.${process.pid}`;
  try {
    removeOld(dirname(path));
    const entries = new Map(kept);
    for (const [name, {script, chunk, isNew}] of scripts) {
      if (isNew) entries.set(name, {...chunk, code: script.createCachedData()});
    }
    fs.writeFileSync(temporary, formatKept(entries), {mode: 0o600, flag: 'wx', flush: true});
    fs.renameSync(temporary, path);
  } catch {
    fs.rmSync(temporary, {force: true});
  }
}

/** As `readKept` reads it: V8 checks little of what it is given. */
function formatKept(entries) {
  const list = [...entries].map(([name, {line, text, code}]) => ({
    name,
    line,
    text: Buffer.from(text(), 'latin1'),
    code,
  }));
  const head = list.map(({name, line, text, code}) => [name, line, text.length, code.length]);
  const parts = [Buffer.from(`${JSON.stringify(head)}\n`)];
  let position = parts[0].length;
  for (const part of list.flatMap(({text, code}) => [text, code])) {
    parts.push(Buffer.alloc(padding(position)), part);
    position += padding(position) + part.length;
  }
  return Buffer.concat(parts);
}

/** Of earlier versions, and of writers that were killed. */
function removeOld(directory) {
  const oldest = Date.now() - OLD_MS;
  for (const entry of fs.readdirSync(directory, {withFileTypes: true})) {
    const path = join(directory, entry.name);
    if (entry.isFile() && fs.lstatSync(path).mtimeMs < oldest) fs.rmSync(path, {force: true});
  }
}

module.exports = {loadCommand, loadProcess};
