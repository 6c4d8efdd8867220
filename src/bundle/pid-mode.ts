import type {ContainerOptions} from './container-options.ts';

type PidMode = ContainerOptions['pid'];

/**
 * Reads docker's `host` and `container:NAME`, podman's `private` and `ns:PATH`.
 *
 * @returns undefined: the container's own; null: not understood
 */
export function readPidMode(text: string): PidMode | null {
  if (text === '' || text === 'private') return undefined;
  if (text === 'host') return text;
  const [, kind, rest = ''] = /^(container|ns):(.+)$/s.exec(text) ?? [];
  if (kind === 'container') return {container: rest};
  return kind === 'ns' ? {namespace: rest} : null;
}

/** As `readPidMode` takes it. */
export function formatPidMode(pid: PidMode): string {
  if (pid === undefined || pid === 'host') return pid ?? '';
  return 'container' in pid ? `container:${pid.container}` : `ns:${pid.namespace}`;
}
