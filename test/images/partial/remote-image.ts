import {buffer} from 'node:stream/consumers';
import {type BuiltLayer, buildChunkedImage} from '../../../fixtures/build-chunked-layer.ts';
import {startRegistry} from '../../../fixtures/registry-server.ts';
import type {WinchEvent} from '../../../src/events.ts';
import type {ReadFileOptions} from '../../../src/images/read-file.ts';
import {openTestStore} from '../../helpers/open-store.ts';
import {rejectionOf} from '../../helpers/rejection-of.ts';
import {QUICK_RETRIES} from '../../registry/with-registry.ts';

/** An image at a registry, and an empty store. */
export async function serveImage(...layers: readonly (BuiltLayer | Buffer)[]) {
  const registry = await startRegistry();
  const store = await openTestStore({retryPolicy: QUICK_RETRIES});
  const put = (tag: string, ...more: readonly (BuiltLayer | Buffer)[]): string => {
    registry.put('app', tag, buildChunkedImage(more));
    return `${registry.host}/app:${tag}`;
  };
  const name = put('1', ...layers);
  const events: WinchEvent[] = [];
  const {images} = store.toolkit;
  const read = async (path: string, options: ReadFileOptions & {readonly image?: string} = {}): Promise<Buffer> => {
    const {image = name, ...rest} = options;
    const onEvent = (event: WinchEvent) => void events.push(event);
    const {content, close} = await images.readFile(
      {reference: image, path},
      {policy: 'missing', platform: 'linux/amd64', onEvent, ...rest},
    );
    try {
      return await buffer(content);
    } finally {
      close();
    }
  };
  return {
    ...store,
    registry,
    images,
    name,
    events,
    /** Puts another image beside the first one. */
    put,
    read,
    /** The code of what reading is refused with, and what it says. */
    refusal: async (path: string) => {
      const error = await rejectionOf(read(path));
      return {code: 'code' in error ? String(error.code) : '', message: error.message};
    },
    warnings: () => events.flatMap((event) => (event.type === 'warning:raised' ? [event.code] : [])),
    /** Bytes of blobs that the registry has sent. */
    sentBytes: () => registry.requests.reduce((sum, {class: of, bytes}) => sum + (of === 'blob' ? bytes : 0), 0),
    [Symbol.asyncDispose]: async () => {
      await store[Symbol.asyncDispose]();
      await registry.close();
    },
  };
}
