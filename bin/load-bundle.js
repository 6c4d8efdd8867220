// The bundle is a file of chunks. Each is compiled when it is first imported: V8 takes 55 ms for all of them, 12 for those
// that a command needs, and 3 when they were kept. Node's own cache of modules keeps no function that was compiled after
// the loading.
const fs = require('node:fs');
const {dirname, join} = require('node:path');
const {pathToFileURL} = require('node:url');
const {Script} = require('node:vm');
const {keep, openKept} = require('./kept-chunks.js');
const {isPrivate} = require('./private-directory.js');

const COMMAND = /^[a-z]+$/;
const HELP = ['--help', '-h'];
const HELP_WORD = 'help';
/** Of the hash in the first line. */
const CONTENT_LETTERS = 32;

const bundlePath = join(dirname(__dirname), 'dist/bundled/command.chunks');

/**
 * Loads the command.
 *
 * @param cacheDirectory Only this user can write to it; null: nothing is kept.
 */
function loadCommand(cacheDirectory) {
  const words = likelyCommands(process.argv.slice(2));
  const isKnown = (main, word) => word === HELP_WORD || main.isCommandWord(word.split('-')[0]);
  return load('main', {cacheDirectory, words, choose: (main) => words.find((word) => isKnown(main, word))});
}

/** Loads another program of the bundle, which begins at once; it is kept where Node keeps what it compiles, if it does. */
function loadProcess(name) {
  const {NODE_COMPILE_CACHE: directory = ''} = process.env;
  load(name, {cacheDirectory: isPrivate(directory) ? directory : null, words: [name], choose: () => name});
}

/** @param choose Of what is loaded, the word under which it is to be kept; undefined: none. */
function load(name, {cacheDirectory, words, choose}) {
  const {content, read} = openChunks(bundlePath);
  const pathOf = (word) => join(cacheDirectory, `${content}-${process.version}-${process.arch}-${word}`);
  const kept = cacheDirectory === null ? null : openKept(words.map(pathOf), bundlePath);
  const {need, names} = linkFrom((chunk) => kept?.find(chunk) ?? compile(read(chunk)), packagesWith(cacheDirectory));
  const loaded = need(name);
  process.once('exit', (exitCode) => {
    const word = exitCode === 0 && cacheDirectory !== null ? choose(loaded) : undefined;
    if (word !== undefined) keep(pathOf(word), {kept, names: names(), read});
  });
  return loaded;
}

const compile = ({text, line}) => new Script(text, {filename: bundlePath, lineOffset: line}).runInThisContext();

/** For Node's own cache a module is loaded, and 3 ms go by: few commands need a package that is not in the bundle. */
function packagesWith(cacheDirectory) {
  return (name) => {
    const isProgram = name.endsWith('.node');
    if (!isProgram && cacheDirectory !== null)
      process.getBuiltinModule('node:module').enableCompileCache(cacheDirectory);
    return require(name);
  };
}

/** Calls each chunk once, with what it imports others by. */
function linkFrom(compile, requirePackage) {
  const loaded = new Map();
  // Modules look for others, which are JavaScript as well, beside where they are themselves.
  const url = pathToFileURL(join(dirname(bundlePath), 'main.js')).href;
  const load = async (name) => need(name);
  function need(name) {
    if (!loaded.has(name)) loaded.set(name, compile(name)(need, load, requirePackage, url));
    return loaded.get(name);
  }
  return {need, names: () => [...loaded.keys()]};
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
      return {line, text: readAt(fd, index.end + start, length)};
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

/**
 * Each command has its own, and so has each page of help: what another one needs would be read for nothing. Before the
 * command stand options.
 */
function likelyCommands(words) {
  const commands = words.filter((word) => COMMAND.test(word)).slice(0, 3);
  if (!words.some((word) => HELP.includes(word))) return commands;
  return commands.length === 0 ? [HELP_WORD] : commands.map((word) => `${word}-${HELP_WORD}`);
}

module.exports = {loadCommand, loadProcess};
