import {buildImage} from '../../fixtures/build-image.ts';
import {buildTar} from '../../fixtures/build-tar.ts';
import {type RegistryServer, type RegistryServerOptions, startRegistry} from '../../fixtures/registry-server.ts';
import {isWinchError, type WinchError} from '../../src/errors.ts';
import {openRegistryClient, type RegistryClient, type RegistryClientOptions} from '../../src/registry/client.ts';

export const REPOSITORY = 'team/app';

/** One layer of 200 KB that no compression shortens, so that it spans several chunks. */
export const IMAGE = buildImage({
  layers: [buildTar([{path: 'data', content: pseudoRandomBytes(200_000)}])],
  compression: 'none',
});

/** Gives up what others try for a minute, after one or two repetitions. */
export const QUICK_RETRIES = Object.freeze({firstDelayMs: 10, longestDelayMs: 40, budgetMs: 60, longestPauseMs: 100});

export interface Fixture {
  readonly registry: RegistryServer;
  readonly client: RegistryClient;
  /** The repository that holds {@link IMAGE} as `1.0`. */
  readonly name: {readonly registry: string; readonly repository: string};
  readonly layer: {readonly mediaType: string; readonly digest: `sha256:${string}`; readonly size: number};
}

/** Runs `body` against a fixture registry that holds {@link IMAGE}, and closes both ends. */
export async function withRegistry(
  options: RegistryServerOptions & {readonly clientOptions?: Partial<RegistryClientOptions>},
  body: (fixture: Fixture) => Promise<void>,
): Promise<void> {
  await using registry = await startRegistry(options);
  registry.put(REPOSITORY, '1.0', IMAGE);
  await using client = openTestClient(options.clientOptions);
  await body({registry, client, name: {registry: registry.host, repository: REPOSITORY}, layer: layerOf(IMAGE)});
}

export function openTestClient(options: Partial<RegistryClientOptions> = {}): RegistryClient {
  return openRegistryClient({
    credentials: async () => null,
    insecureRegistries: [],
    userAgent: 'winch/test',
    retryPolicy: QUICK_RETRIES,
    ...options,
  });
}

export function layerOf(image: typeof IMAGE): Fixture['layer'] {
  const [layer] = image.layers;
  if (!layer) throw new Error('the image has no layer');
  return {mediaType: layer.mediaType, digest: layer.digest as `sha256:${string}`, size: layer.bytes.length};
}

/** The WinchError that the promise is rejected with; anything else fails the test. */
export async function failureOf(promise: Promise<unknown>): Promise<WinchError> {
  try {
    await promise;
  } catch (error) {
    if (isWinchError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** All that an error could print, its cause included. */
export const printable = (error: WinchError): string =>
  JSON.stringify([error.message, error.hint, error.details, String(error.cause), error.stack]);

export async function readAll(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function pseudoRandomBytes(length: number): Buffer {
  let state = 1;
  return Buffer.from(
    Array.from({length}, () => {
      state = (state * 48_271) % 2_147_483_647;
      return state & 0xff;
    }),
  );
}
