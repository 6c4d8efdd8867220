/** A moment in a query: seconds since 1970, with a fraction, or as ISO 8601 has it; 0 and what is no moment are none. */
export function momentOf(text: string | null): Date | undefined {
  if (!text || text === '0') return undefined;
  const moment = /^\d+(?:\.\d+)?$/.test(text) ? new Date(Number(text) * 1000) : new Date(text);
  return Number.isNaN(moment.getTime()) ? undefined : moment;
}
