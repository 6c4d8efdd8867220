import {renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {RuntimeProcess, RuntimeSpec} from '../oci/runtime-spec.ts';

type Reviver = (key: string, value: unknown, context: {readonly source?: string}) => unknown;

/** What TypeScript's library does not know yet of Node's JSON. */
const {rawJSON, parse} = JSON as unknown as {
  rawJSON(text: string): unknown;
  parse(text: string, reviver: Reviver): unknown;
};

/**
 * Writes `config.json` into a bundle's directory: readers see the whole file or none. Mode 0600, since the environment
 * may hold secrets. Not synced to disk: a bundle that is run does not outlive the machine.
 *
 * Synchronous: the directory may be in a mount namespace that only the calling thread sees.
 *
 * @see runtime-spec v1.0.2 bundle.md
 */
export function writeBundleConfig(directory: string, spec: RuntimeSpec): void {
  const temporary = join(directory, `.config.json.${process.pid}`);
  try {
    writeFileSync(temporary, formatRuntimeSpec(spec), {mode: 0o600, flag: 'wx'});
    renameSync(temporary, join(directory, 'config.json'));
  } catch (error) {
    rmSync(temporary, {force: true});
    throw error;
  }
}

/** The spec, or its process, as indented JSON; 64-bit numbers stay exact, where JSON.stringify alone would round them. */
export function formatRuntimeSpec(spec: RuntimeSpec | RuntimeProcess): string {
  const exact = (_key: string, value: unknown) => (typeof value === 'bigint' ? rawJSON(value.toString()) : value);
  return `${JSON.stringify(spec, exact, 2)}\n`;
}

/** What `formatRuntimeSpec` has written: numbers that JavaScript would round become bigints. */
export const parseRuntimeSpec = (text: string): RuntimeSpec =>
  parse(text, (_key, value, {source}) =>
    typeof value === 'number' && !Number.isSafeInteger(value) && /^\d+$/.test(source ?? '')
      ? BigInt(source ?? 0)
      : value,
  ) as RuntimeSpec;
