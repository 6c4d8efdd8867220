const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Bytes as docker shows them: powers of 1000, three digits that matter (`1.2kB`, `187MB`). */
export function humanBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (Math.round(value) >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 ? value : Number(value.toPrecision(3));
  return `${digits}${UNITS[unit]}`;
}

/** The first twelve hexadecimal digits of a digest, as tables show it. */
export const shortDigest = (digest: string): string => {
  const colon = digest.indexOf(':');
  return digest.slice(colon + 1, colon + 13);
};

/** A stretch of time with the two units that matter (`0.4s`, `12s`, `1m05s`, `2h03m`, `3d04h`). */
export function humanDuration(seconds: number): string {
  if (seconds < 9.95 && seconds % 1 !== 0) return `${Number(seconds.toFixed(1))}s`;
  const whole = Math.round(seconds);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)}h${two((whole % 3600) / 60)}m`;
  return `${Math.floor(whole / 86_400)}d${two((whole % 86_400) / 3600)}h`;
}
