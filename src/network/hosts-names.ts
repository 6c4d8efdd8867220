import type {HostsEntry} from './hosts-file.ts';

const BEGIN = '# names of the networks: winch writes these lines';
const END = '# end of the names of the networks';

/**
 * An `/etc/hosts` with these names and those of no earlier call; all other lines stay, also what the container has
 * written. Pure.
 */
export function replaceNetworkNames(hosts: string, entries: readonly HostsEntry[]): string {
  const lines = hosts.split('\n');
  if (lines.at(-1) === '') lines.pop();
  const [begin, end] = [lines.indexOf(BEGIN), lines.lastIndexOf(END)];
  const others = begin >= 0 && end > begin ? [...lines.slice(0, begin), ...lines.slice(end + 1)] : lines;
  const names = entries.map(({address, name}) => `${address}\t${name}`);
  return [...others, BEGIN, ...names, END, ''].join('\n');
}
