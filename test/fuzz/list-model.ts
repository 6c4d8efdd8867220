import {createHash} from 'node:crypto';
import {readFileSync} from 'node:fs';
import type {FileNode} from '../../src/layers/file-tree.ts';
import {FILE_TYPE, type ListedFile, type Listing} from '../helpers/file-tree.ts';

/** The files of one layer as lstat(2) has to show them once the layer is mounted. */
export function listModel(root: FileNode): Listing {
  const links = countLinks(root);
  const files: Record<string, ListedFile> = {};
  const bytes = readFileSync(root.layerPath);
  const visit = (node: FileNode, path: string) => {
    files[path] = describeNode(node, {links: links.get(node.inode) ?? 1, bytes});
    for (const [name, child] of node.entries ?? []) visit(child, `${path}/${name}`);
  };
  visit(root, '.');
  return files;
}

interface Surroundings {
  readonly links: number;
  readonly bytes: Buffer;
}

function describeNode(node: FileNode, {links, bytes}: Surroundings): ListedFile {
  const {kind, uid, gid, mtimeSeconds, mtimeNanoseconds, size, contentOffset, linkTarget, device, entries} = node;
  const content = () =>
    createHash('sha256')
      .update(bytes.subarray(contentOffset, contentOffset + size))
      .digest('hex');
  const folders = [...(entries?.values() ?? [])].filter((child) => child.entries).length;
  return {
    type: FILE_TYPE[kind],
    permissions: node.permissions.toString(8),
    owner: `${uid}:${gid}`,
    mtimeNanoseconds: String(BigInt(mtimeSeconds) * 1_000_000_000n + BigInt(mtimeNanoseconds)),
    links: entries ? folders + 2 : links,
    size: linkTarget === null ? size : linkTarget.length,
    device: `${device >>> 8}:${device & 0xff}`,
    content: linkTarget ?? (kind === 'file' ? content() : ''),
    xattrs: [...(node.xattrs ?? [])]
      .filter(([name]) => canHave(kind, name))
      .map(showXattr)
      .toSorted(),
  };
}

/** xattr(7): users' attributes are for files and directories. */
const canHave = (kind: FileNode['kind'], name: string): boolean =>
  kind === 'file' || kind === 'directory' || !name.startsWith('user.');

const showXattr = ([name, value]: readonly [string, string]): string =>
  `${name}=0x${Buffer.from(value, 'latin1').toString('hex')}`;

function countLinks(root: FileNode): ReadonlyMap<number, number> {
  const links = new Map<number, number>();
  const visit = (node: FileNode) => {
    if (!node.entries) links.set(node.inode, (links.get(node.inode) ?? 0) + 1);
    for (const child of node.entries?.values() ?? []) visit(child);
  };
  visit(root);
  return links;
}
