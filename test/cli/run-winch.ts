import type {Environment} from '../../src/cli/environment.ts';
import {runCommandLine} from '../../src/cli/run-cli.ts';
import type {Containers, Images, Networks, Registries, Toolkit, ToolkitOptions, Volumes} from '../../src/toolkit.ts';
import {environmentOf} from './environment-of.ts';

export interface Fakes {
  readonly images?: Partial<Images>;
  readonly containers?: Partial<Containers>;
  readonly volumes?: Partial<Volumes>;
  readonly networks?: Partial<Networks>;
  readonly registries?: Partial<Registries>;
  readonly events?: Toolkit['events'];
  readonly info?: Toolkit['info'];
  readonly diagnose?: Toolkit['diagnose'];
  readonly environment?: Partial<Environment>;
  readonly signal?: AbortSignal;
  /** Sees what the library is opened with. */
  readonly onOpen?: (options: ToolkitOptions) => void;
}

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
  readonly opened: ToolkitOptions[];
  closed: number;
  released: number;
  ended: number;
}

/** What a command line did, with a library of which only the given calls exist. */
export async function runWinch(words: readonly string[], fakes: Fakes = {}) {
  const outcome: Outcome = {code: -1, stdout: '', stderr: '', opened: [], closed: 0, released: 0, ended: 0};
  outcome.code = await runCommandLine(words, {
    environment: environmentOf(fakes.environment),
    stdout: append(outcome, 'stdout'),
    stderr: append(outcome, 'stderr'),
    terminal: () => null,
    interrupts: {
      signal: fakes.signal ?? new AbortController().signal,
      release: () => void outcome.released++,
      handOver: () => {
        outcome.released++;
        return () => void outcome.ended++;
      },
      beforeExit: () => {},
    },
    openToolkit: async (options) => {
      outcome.opened.push(options);
      fakes.onOpen?.(options);
      return createToolkit(fakes, () => void outcome.closed++);
    },
    becomeRoot: async () => {},
    becomeRootOf: async () => {},
  });
  return outcome;
}

const append = (outcome: Outcome, stream: 'stdout' | 'stderr') => ({
  write: (text: string | Uint8Array) => {
    outcome[stream] += typeof text === 'string' ? text : Buffer.from(text).toString('latin1');
  },
});

function createToolkit(
  {images = {}, containers = {}, volumes = {}, networks = {}, registries = {}, events, info, diagnose}: Fakes,
  onClose: () => void,
): Toolkit {
  const close = async () => onClose();
  return {
    images: onlyThese('images', images) as Images,
    containers: onlyThese('containers', containers) as Containers,
    volumes: onlyThese('volumes', volumes) as Volumes,
    networks: onlyThese('networks', networks) as Networks,
    registries: onlyThese('registries', registries) as Registries,
    events: events ?? (() => fail('events is not faked')),
    info: info ?? (() => Promise.reject(new Error('info is not faked'))),
    diagnose: diagnose ?? (() => Promise.reject(new Error('diagnose is not faked'))),
    close,
    [Symbol.asyncDispose]: close,
  };
}

const onlyThese = (name: string, calls: object): object =>
  new Proxy(calls, {
    get: (target, key) => Reflect.get(target, key) ?? (() => Promise.reject(new Error(`${name}.${String(key)}`))),
  });

function fail(message: string): never {
  throw new Error(message);
}
