import type {ToolkitInfo} from '../../containers/read-info.ts';
import {humanBytes} from './human.ts';
import {safeText} from './safe-text.ts';

export interface EngineApiPlace {
  /** As `DOCKER_HOST` has it. */
  readonly host: string;
  readonly isServed: boolean;
}

export interface InfoToShow extends ToolkitInfo {
  readonly version: string;
  readonly engineApi: EngineApiPlace;
}

/** What this machine can do, one fact a line. */
export function renderInfo(info: InfoToShow): string {
  const {snapshotter, runtime, engineApi} = info;
  const facts = {
    Version: info.version,
    Store: `${info.root} (${info.images} images, ${humanBytes(info.storeBytes)} used, ${humanBytes(info.freeBytes)} free)`,
    Snapshots: `${snapshotter.name}${snapshotter.isForced ? ', as asked for,' : ''} ${snapshotter.usable ? 'works here' : 'does not work here'}${because(snapshotter)}`,
    Runtime: runtime.path === null ? `none${because(runtime)}` : `${runtime.path} ${runtime.version ?? ''}`.trimEnd(),
    Kernel: info.kernel,
    Cgroups: info.cgroup,
    'Engine API': `${engineApi.isServed ? '' : 'not served '}at ${engineApi.host}`,
  };
  return Object.entries(facts)
    .map(([name, fact]) => `${name}: ${safeText(fact)}`)
    .join('\n');
}

const because = ({reason}: {readonly reason: string | null}): string => (reason === null ? '' : `: ${reason}`);
