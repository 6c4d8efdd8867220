// What is kept of a command: the chunks that it needed in its first run, as one script, and from its second run on what V8
// compiled of that. V8 makes in 3 ms of one what it makes in 7 ms of 150.
const fs = require('node:fs');
const {dirname} = require('node:path');
const {Script} = require('node:vm');

const OLD_MS = 30 * 24 * 3600 * 1000;
/** A script of which a run needs less is made anew without the rest: another run pulled an image, say. */
const LEAST_USE = 0.6;
/** A command that does now this, now that is not to write each time. */
const MOST_CHANGES = 6;
/** V8 copies compiled code that begins anywhere else. */
const ALIGNMENT = 8;

/**
 * @param paths Of files that may be there.
 * @param filename Of the bundle, for traces.
 * @returns what is kept in the first of them; null: nothing
 */
function openKept(paths, filename) {
  for (const path of paths) {
    try {
      return readKept(fs.readFileSync(path), filename);
    } catch {}
  }
  return null;
}

function readKept(bytes, filename) {
  const end = bytes.indexOf('\n');
  const {chunks, changes, textLength} = JSON.parse(bytes.latin1Slice(0, end));
  const start = end + 1;
  const codeStart = start + textLength;
  const cachedData = codeStart < bytes.length ? bytes.subarray(codeStart) : undefined;
  const script = new Script(bytes.latin1Slice(start, codeStart), {filename, cachedData});
  const functions = script.runInThisContext();
  const places = new Map(chunks.map(([name], index) => [name, index]));
  return {
    chunks,
    changes,
    script,
    isCompiled: cachedData !== undefined && !script.cachedDataRejected,
    find: (name) => functions[places.get(name)],
  };
}

/**
 * Keeps what a run needed, if it was something else than what is kept, or has not been compiled yet.
 *
 * @param read Returns the text and the line of a chunk.
 */
function keep(path, {kept, names, read}) {
  const missing = kept === null ? names : names.filter((name) => kept.find(name) === undefined);
  const isWasteful = kept !== null && usedShare(kept, names) < LEAST_USE;
  const mayChange = kept === null || kept.changes < MOST_CHANGES;
  if ((missing.length > 0 || isWasteful) && mayChange) {
    const others = kept === null || isWasteful ? [] : kept.chunks.map(([name]) => name);
    write(path, () => formatChunks([...new Set([...others, ...names])], {read, changes: (kept?.changes ?? -1) + 1}));
  } else if (!kept.isCompiled) write(path, () => formatCompiled(kept, read));
}

function usedShare({chunks}, names) {
  const used = new Set(names);
  const lengthOf = (list) => list.reduce((sum, [, length]) => sum + length, 0);
  return lengthOf(chunks.filter(([name]) => used.has(name))) / lengthOf(chunks);
}

/** Durable before it has its name: V8 checks little of what it is given. */
function write(path, format) {
  const temporary = `${path}.${process.pid}`;
  try {
    removeOld(dirname(path));
    fs.writeFileSync(temporary, format(), {mode: 0o600, flag: 'wx', flush: true});
    fs.renameSync(temporary, path);
  } catch {
    fs.rmSync(temporary, {force: true});
  }
}

const formatCompiled = ({chunks, changes, script}, read) =>
  format({chunks, changes, text: textOf(chunks.map(([name]) => read(name))), code: script.createCachedData()});

function formatChunks(names, {read, changes}) {
  const sorted = names.map((name) => ({name, ...read(name)})).toSorted((a, b) => a.line - b.line);
  const chunks = sorted.map(({name, text}) => [name, text.length]);
  return format({chunks, changes, text: textOf(sorted), code: Buffer.alloc(0)});
}

/** An array of functions, each in the line that it has in the bundle. */
function textOf(chunks) {
  let text = '[';
  let line = 0;
  for (const chunk of chunks) {
    text += `${'\n'.repeat(chunk.line - line)}${chunk.text},`;
    line = chunk.line + chunk.text.split('\n').length - 1;
  }
  return `${text}]`;
}

/** A line of JSON, `chunks` with `[name, length]` of each; the script; its code, if it has been compiled. */
function format({chunks, changes, text, code}) {
  const head = (padding) => `${JSON.stringify({chunks, changes, textLength: text.length})}${' '.repeat(padding)}\n`;
  const start = head(0).length + text.length;
  const padding = (ALIGNMENT - (start % ALIGNMENT)) % ALIGNMENT;
  return Buffer.concat([Buffer.from(head(padding) + text, 'latin1'), code]);
}

/** Of earlier versions, and of writers that were killed. */
function removeOld(directory) {
  const oldest = Date.now() - OLD_MS;
  for (const entry of fs.readdirSync(directory, {withFileTypes: true})) {
    const path = `${directory}/${entry.name}`;
    if (entry.isFile() && fs.lstatSync(path).mtimeMs < oldest) fs.rmSync(path, {force: true});
  }
}

module.exports = {keep, openKept};
