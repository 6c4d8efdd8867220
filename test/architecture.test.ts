import {globSync, readFileSync} from 'node:fs';
import {dirname, join, normalize, relative} from 'node:path';
import * as assert from 'uvu/assert';
import {describe} from './helpers/suite.ts';

const project = dirname(import.meta.dirname);
const source = join(project, 'src');

/** Rooms from the ground up; a file may import from its own room and from lower floors only. */
const FLOORS: readonly (readonly string[])[] = [
  ['errors.ts', 'events.ts', 'trace.ts'],
  ['oci'],
  ['host'],
  ['registry', 'store', 'layers', 'network', 'runtime'],
  ['snapshots', 'bundle', 'media'],
  ['images'],
  ['containers'],
  ['toolkit'],
  ['toolkit.ts'],
  ['run-process.ts', 'exit-process.ts', 'health-process.ts', 'lazy-process.ts', 'index.ts'],
  ['docker-json', 'http-server'],
  ['engine-api', 'registry-api'],
  ['cli'],
];

/** Where a package may be imported. */
const FENCES: Readonly<Record<string, readonly RegExp[]>> = {
  got: [/^registry\/transport\.ts$/],
  yargs: [/^cli\//],
  'yargs-parser': [/^cli\//],
  ora: [/^cli\/render\//],
  'cli-progress': [/^cli\/render\//],
  'tar-fs': [/^layers\/pack\.ts$/],
  koffi: [/^host\/(load-koffi|tree-calls)\.ts$/],
  'smol-toml': [/^registry\/toml-document\.ts$/],
  semver: [/^images\/remote\/tag-patterns\.ts$/],
  '@sindresorhus/is': [/^(oci|registry|layers|media|images|bundle|engine-api|cli)\//],
  'node:sqlite': [/^store\/database\.ts$/, /^host\/locks\.ts$/],
  'node:child_process': [/^(host|runtime|network)\//, /^registry\/credential-helper\.ts$/],
  'node:worker_threads': [/^(host|layers|snapshots)\//],
  'node:http': [/^registry\/(agents|transport)\.ts$/, /^http-server\//, /^(engine|registry)-api\//],
  'node:https': [/^registry\/agents\.ts$/, /^http-server\/http-server\.ts$/],
  'node:tls': [/^registry\/agents\.ts$/],
};

const FILE_LINES = 200;
const FUNCTION_LINES = 40;
/** A factory of a handle is a set of small functions in one scope. */
const FACTORY_LINES = 50;
const FACTORY = /function (?:open|create|load)[A-Z]/;
/** Data, not logic: a table is as long as what it lists. */
const LONG_FILES: readonly string[] = ['bundle/seccomp-default.ts'];
const CONSOLE_ALLOWED = /^cli\//;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const files: readonly SourceFile[] = globSync('**/*.ts', {cwd: source})
  .toSorted()
  .map((path) => {
    const text = readFileSync(join(source, path), 'utf8');
    return {path, text, imports: importsOf(text)};
  });

describe('architecture', ({test}) => {
  test('finds the sources it checks', () => {
    assert.ok(files.length > 50, `${files.length} files`);
    assert.ok(files.some(({imports}) => imports.length > 3));
  });

  test('imports only point to lower floors', () => {
    assert.equal(files.flatMap(upwardImports), []);
  });

  test('knows a floor for every room', () => {
    assert.equal(
      files.filter(({path}) => floorOf(path) < 0).map(({path}) => path),
      [],
    );
  });

  test('packages stay behind their fences', () => {
    assert.equal(files.flatMap(fenceBreaks), []);
  });

  test('every package that is imported is a dependency', () => {
    const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
    const known = new Set(Object.keys(manifest.dependencies));
    const packages = new Set(files.flatMap(({imports}) => imports.map(packageOf)).filter((name) => name !== null));
    assert.equal([...packages].filter((name) => !known.has(name)).toSorted(), []);
  });

  test('exports are named', () => {
    assert.equal(grep(/^export default/m), []);
  });

  test('of a package with many functions those are imported that are called, since commands load what they import', () => {
    assert.equal(grep(/^import is from '@sindresorhus\/is'/m), []);
  });

  test('only the command line prints, exits and reads the environment', () => {
    const pattern = /(?<![/\w])console\.\w|(?<![.\w])process\.(?:exit\(|env\b)/;
    assert.equal(
      grep(pattern).filter((path) => !CONSOLE_ALLOWED.test(path)),
      [],
    );
  });

  test('names say what a file holds', () => {
    const vague = /(^|\/)(utils?|helpers?|common|types|manager|service|misc)\.ts$/;
    assert.equal(
      files.map(({path}) => path).filter((path) => vague.test(path)),
      [],
    );
  });

  test('no unfinished business', () => {
    assert.equal(grep(/\b(TODO|FIXME|XXX)\b/), []);
  });

  test('no mutable module state', () => {
    assert.equal(grep(/^(?:export )?let /m), []);
  });

  test(`files have at most ${FILE_LINES} lines`, () => {
    const long = files.filter(({path, text}) => text.split('\n').length > FILE_LINES + 1 && !LONG_FILES.includes(path));
    assert.equal(
      long.map(({path}) => path),
      [],
    );
  });

  test(`functions have at most ${FUNCTION_LINES} lines`, () => {
    assert.equal(files.flatMap(longFunctions), []);
  });

  test('every test file declares its suite through the helper', () => {
    const silent = globSync('**/*.test.ts', {cwd: import.meta.dirname}).filter((path) => {
      const text = readFileSync(join(import.meta.dirname, path), 'utf8');
      return !/^\s*describe\(|Suite\(/m.test(text) || /^import .* from 'uvu'/m.test(text);
    });
    assert.equal(silent, []);
  });
});

function importsOf(text: string): readonly string[] {
  const statements = text.matchAll(
    /^(?:import|export)\s[^;]*?from '([^']+)'|import\(\s*'([^']+)'\s*\)|^import '([^']+)'|require\('([^']+)'\)/gm,
  );
  return [...statements].map((match) => match[1] ?? match[2] ?? match[3] ?? match[4] ?? '');
}

function upwardImports({path, imports}: SourceFile): readonly string[] {
  return imports
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => normalize(join(dirname(path), specifier)))
    .filter((target) => !target.startsWith('..'))
    .filter((target) => roomOf(target) !== roomOf(path) && floorOf(target) >= floorOf(path))
    .map((target) => `${path} → ${target}`);
}

const roomOf = (path: string): string => path.split('/')[0] ?? path;

function floorOf(path: string): number {
  return FLOORS.findIndex((rooms) => rooms.includes(roomOf(path)));
}

function fenceBreaks({path, imports}: SourceFile): readonly string[] {
  return imports
    .map((specifier) => (specifier.startsWith('node:') ? specifier : (packageOf(specifier) ?? '')))
    .filter((name) => FENCES[name]?.some((fence) => fence.test(path)) === false)
    .map((name) => `${path} imports ${name}`);
}

function packageOf(specifier: string): string | null {
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return null;
  const [scope = '', name = ''] = specifier.split('/');
  return scope.startsWith('@') ? `${scope}/${name}` : scope;
}

const grep = (pattern: RegExp): readonly string[] => files.filter(({text}) => pattern.test(text)).map(({path}) => path);

/** By layout, which the formatter guarantees: a function ends with a brace at the indent at which it began. */
function longFunctions({path, text}: SourceFile): readonly string[] {
  const lines = text.split('\n');
  return lines.flatMap((line, start) => {
    const indent = functionIndent(line);
    if (indent === null) return [];
    const end = lines.findIndex((other, index) => index > start && new RegExp(`^${indent}\\}`).test(other));
    return end - start + 1 > (FACTORY.test(line) ? FACTORY_LINES : FUNCTION_LINES)
      ? [`${relative('', path)}:${start + 1} (${end - start + 1} lines)`]
      : [];
  });
}

function functionIndent(line: string): string | null {
  const match = /^(\s*)(?:export )?(?:async )?function\b|^(\s*)(?:export )?const \w+ = (?:async )?\(.*=> \{$/.exec(
    line,
  );
  return match ? (match[1] ?? match[2] ?? '') : null;
}
