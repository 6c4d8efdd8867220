/** Flags of mount(2) by the words of mount(8); a word with `no` before it, or its opposite, takes a flag away. */
const SETS: Readonly<Record<string, number>> = Object.freeze({
  ro: 1,
  nosuid: 1 << 1,
  nodev: 1 << 2,
  noexec: 1 << 3,
  sync: 1 << 4,
  dirsync: 1 << 7,
  noatime: 1 << 10,
  nodiratime: 1 << 11,
  bind: 1 << 12,
  rbind: (1 << 12) | (1 << 14),
  silent: 1 << 15,
  relatime: 1 << 21,
  strictatime: 1 << 24,
  lazytime: 1 << 25,
});
const CLEARS: Readonly<Record<string, number>> = Object.freeze({
  rw: 1,
  suid: 1 << 1,
  dev: 1 << 2,
  exec: 1 << 3,
  async: 1 << 4,
  atime: 1 << 10,
  diratime: 1 << 11,
  norelatime: 1 << 21,
});
/** Words that are meant for mount(8) and fstab(5), and not for the kernel. */
const FOR_PROGRAMS = /^(?:defaults|_netdev|(?:no)?auto|(?:no)?user|nofail|x-.*|comment=.*)$/;

export interface MountOptions {
  readonly flags: number;
  /** What is left for the file system itself; null: nothing. */
  readonly data: string | null;
}

/** The options of `mount -o` as mount(2) takes them; of words that contradict one another the last one counts. Pure. */
export function parseMountOptions(text: string): MountOptions {
  let flags = 0;
  const data: string[] = [];
  for (const word of text.split(',').filter((part) => part !== '' && !FOR_PROGRAMS.test(part))) {
    if (Object.hasOwn(SETS, word)) flags |= SETS[word] ?? 0;
    else if (Object.hasOwn(CLEARS, word)) flags &= ~(CLEARS[word] ?? 0);
    else data.push(word);
  }
  return {flags, data: data.length > 0 ? data.join(',') : null};
}
