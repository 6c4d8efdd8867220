import {spawnSync} from 'node:child_process';
import {mkdirSync} from 'node:fs';
import {release} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {enterPrivateMountNamespace, performMounts} from '../../src/host/mounts.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {type Listing, listTree} from '../helpers/file-tree.ts';

/** Why layer files cannot be mounted here; undefined when they can. */
export const mountSkip = ((): string | undefined => {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (process.getuid?.() !== 0) return 'mounting needs root';
  return major > 6 || (major === 6 && minor >= 12) ? undefined : 'mounting a plain file needs Linux 6.12';
})();

/** Mounts layer files (base first; an overlay over more than one) in a process of its own and lists the tree. */
export function listMounted(directory: string, layers: readonly string[]): Listing {
  const {status, stdout, stderr} = spawnSync(process.execPath, [fileURLToPath(import.meta.url), directory, ...layers], {
    maxBuffer: 2 ** 28,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`mounting at ${directory} failed: ${stderr}`);
  return JSON.parse(stdout) as Listing;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , directory = '', ...layers] = process.argv;
  process.stdout.write(JSON.stringify(listTree(mountLayers(directory, layers))));
}

function mountLayers(directory: string, layers: readonly string[]): string {
  const syscalls = loadSyscalls();
  enterPrivateMountNamespace(syscalls);
  const names = layers.map((_, index) => String(index));
  performMounts(syscalls, [
    {type: 'tmpfs', target: directory, options: 'mode=700'},
    ...names.map((name) => ({type: 'directory', path: join(directory, name), mode: 0o755}) as const),
    ...layers.map((source, index) => ({type: 'erofs', source, target: join(directory, String(index))}) as const),
  ]);
  if (layers.length === 1) return join(directory, '0');
  const target = join(directory, 'merged');
  mkdirSync(target);
  performMounts(syscalls, [{type: 'overlay', target, base: directory, lower: names.toReversed(), upper: null}]);
  return target;
}
