import type {RemoteBlob} from '../../images/remote/open-blob.ts';
import type {RemoteRateLimit} from '../../images/remote/rate-limit.ts';
import {formatRows} from './format.ts';
import {humanBytes} from './human.ts';
import {safeText} from './safe-text.ts';

const UNKNOWN = 'N/A';
const SECONDS_OF_HOUR = 3600;

const BLOB_HEADINGS = {Repository: 'REPOSITORY', Digest: 'DIGEST', Size: 'SIZE', Bytes: 'BYTES'} as const;

/** A blob as a table of one line. */
export function renderBlob(blob: RemoteBlob, format: string | undefined): string {
  const row = {
    Repository: safeText(blob.repository),
    Digest: blob.digest,
    Size: blob.size === null ? UNKNOWN : humanBytes(blob.size),
    Bytes: blob.size === null ? UNKNOWN : String(blob.size),
  };
  return formatRows(
    {headings: BLOB_HEADINGS, defaultColumns: ['Digest', 'Size', 'Bytes'], rows: [row], data: blob},
    format,
  );
}

const LIMIT_HEADINGS = {
  Registry: 'REGISTRY',
  Repository: 'REPOSITORY',
  Limit: 'LIMIT',
  Remaining: 'REMAINING',
  Window: 'WINDOW',
  Source: 'COUNTED FOR',
} as const;

/** A quota as a table of one line; a registry that announces none has the limit `none`. */
export function renderRateLimit(quota: RemoteRateLimit, format: string | undefined): string {
  const {registry, repository, rateLimit} = quota;
  const row = {
    Registry: safeText(registry),
    Repository: safeText(repository),
    Limit: String(rateLimit?.limit ?? 'none'),
    Remaining: String(rateLimit?.remaining ?? UNKNOWN),
    Window: describeWindow(rateLimit?.windowSeconds ?? null),
    Source: safeText(rateLimit?.source ?? UNKNOWN),
  };
  const defaultColumns = ['Registry', 'Limit', 'Remaining', 'Window', 'Source'];
  return formatRows({headings: LIMIT_HEADINGS, defaultColumns, rows: [row], data: quota}, format);
}

function describeWindow(seconds: number | null): string {
  if (seconds === null) return UNKNOWN;
  return seconds % SECONDS_OF_HOUR === 0 ? `${seconds / SECONDS_OF_HOUR}h` : `${seconds}s`;
}
