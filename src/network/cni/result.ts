/** What a plugin has given a container (CNI spec 1.0.0 #success). */
export interface AttachedAddress {
  /** Without the length of its prefix. */
  readonly address: string;
  readonly gateway: string | null;
}

/** The addresses in the answer of a plugin; what is none of them is left out. */
export function readAddresses(result: Readonly<Record<string, unknown>>): readonly AttachedAddress[] {
  const {ips} = result;
  if (!Array.isArray(ips)) return [];
  return ips.filter(isObject).flatMap(({address, gateway}) => {
    if (typeof address !== 'string') return [];
    return [{address: address.replace(/\/\d+$/, ''), gateway: typeof gateway === 'string' ? gateway : null}];
  });
}

/** The hardware address of the device that a plugin made in the container, or null. */
export function readMacAddress(result: Readonly<Record<string, unknown>>, device: string): string | null {
  const {interfaces} = result;
  if (!Array.isArray(interfaces)) return null;
  const own = interfaces.filter(isObject).find(({name, sandbox}) => name === device && Boolean(sandbox));
  return typeof own?.mac === 'string' ? own.mac : null;
}

/** Null: it is no JSON, or no object. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
