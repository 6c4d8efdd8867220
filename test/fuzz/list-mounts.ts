import {spawnSync} from 'node:child_process';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {enterPrivateMountNamespace, performMounts} from '../../src/host/mounts.ts';
import {loadSyscalls} from '../../src/host/syscalls.ts';
import {type Listing, listTree} from '../helpers/file-tree.ts';

/** What the kernel shows of each layer file, each mounted alone; `directory` is an empty one to mount at. */
export function listMounts(directory: string, layers: readonly string[]): readonly Listing[] {
  const script = fileURLToPath(import.meta.url);
  const {status, stdout, stderr} = spawnSync(process.execPath, [script, directory, ...layers], {
    maxBuffer: 2 ** 28,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`mounting ${layers.join(', ')} failed: ${stderr}`);
  return JSON.parse(stdout) as readonly Listing[];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , directory = '', ...layers] = process.argv;
  const syscalls = loadSyscalls();
  enterPrivateMountNamespace(syscalls);
  performMounts(syscalls, [{type: 'tmpfs', target: directory, options: 'mode=700'}]);
  const listings = layers.map((source, index) => {
    const target = join(directory, String(index));
    performMounts(syscalls, [
      {type: 'directory', path: target, mode: 0o755},
      {type: 'erofs', source, target},
    ]);
    return listTree(target);
  });
  process.stdout.write(JSON.stringify(listings));
}
