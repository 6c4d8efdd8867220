import type {ToolkitInfo} from '../../containers/read-info.ts';
import {humanBytes} from './human.ts';
import {safeText} from './safe-text.ts';

/** What this machine can do, one fact a line. */
export function renderInfo(info: ToolkitInfo & {readonly version: string}): string {
  const {snapshotter, runtime} = info;
  const facts = {
    Version: info.version,
    Store: `${info.root} (${info.images} images, ${humanBytes(info.storeBytes)} used, ${humanBytes(info.freeBytes)} free)`,
    Snapshots: `${snapshotter.name}${snapshotter.isForced ? ', as asked for,' : ''} ${snapshotter.usable ? 'works here' : 'does not work here'}${because(snapshotter)}`,
    Runtime: runtime.path === null ? `none${because(runtime)}` : `${runtime.path} ${runtime.version ?? ''}`.trimEnd(),
    Kernel: info.kernel,
    Cgroups: info.cgroup,
  };
  return Object.entries(facts)
    .map(([name, fact]) => `${name}: ${safeText(fact)}`)
    .join('\n');
}

const because = ({reason}: {readonly reason: string | null}): string => (reason === null ? '' : `: ${reason}`);
