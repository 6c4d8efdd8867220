import type {ImageConfig} from '../oci/image-config.ts';
import type {ContainerOptions} from './container-options.ts';

/** Whose ports are listed: `80/tcp,8000-8010` (image-spec v1.1.1 conversion.md). */
export const EXPOSED_PORTS = 'org.opencontainers.image.exposedPorts';
/** Annotations that runtimes obey: an image must not set systemd properties or CRIU files on the host (CVE-2026-53488). */
const OBEYED_PREFIXES = ['org.systemd.', 'run.oci.', 'org.criu.', 'io.containers.', 'io.katacontainers.'] as const;

/**
 * The runtime annotations of an image: its own fields, then its labels, the caller's labels, the caller's annotations;
 * a later one wins. Labels that a runtime would obey are dropped; only an explicit annotation may carry those names.
 *
 * @see image-spec v1.1.1 conversion.md#annotation-fields
 */
export function createAnnotations(image: ImageConfig | null, options: ContainerOptions): Record<string, string> {
  const labels = [...Object.entries(image?.config.Labels ?? {}), ...Object.entries(options.labels ?? {})];
  const harmless = labels.filter(([name]) => !OBEYED_PREFIXES.some((prefix) => name.startsWith(prefix)));
  const fields = image === null ? [] : imageFields(image);
  return Object.fromEntries([...fields, ...harmless, ...Object.entries(options.annotations ?? {})]);
}

function imageFields(image: ImageConfig): [string, string][] {
  const fields: Record<string, string | undefined> = {
    os: image.os,
    architecture: image.architecture,
    variant: image.variant,
    'os.version': image['os.version'],
    author: image.author,
    created: image.created,
    stopSignal: image.config.StopSignal,
  };
  const named = Object.entries(fields).map(([name, value]) => [`org.opencontainers.image.${name}`, value] as const);
  return [...named, [EXPOSED_PORTS, exposedPorts(image)] as const].flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, value]],
  );
}

const exposedPorts = (image: ImageConfig): string => Object.keys(image.config.ExposedPorts ?? {}).join(',');
