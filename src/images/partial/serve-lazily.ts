import {isWinchError} from '../../errors.ts';
import type {CallOptions} from '../../events.ts';
import {serveFiles} from '../../host/fuse/serve-files.ts';
import type {ImageContext} from '../context.ts';
import {type LazyImage, type LazyImageRequest, openLazyImage} from './lazy-image.ts';

export interface LazyServiceRequest extends LazyImageRequest {
  /** An open `/dev/fuse`. */
  readonly device: number;
}

export interface LazyServiceOptions extends CallOptions {
  /** Told when the image can be mounted. */
  readonly onOpened: (image: LazyImage) => void;
}

/**
 * Opens an image as {@link openLazyImage} does and serves its layer files, by their numbers, until they are unmounted.
 * Reads that fail are input/output errors to who reads; the first of each kind and layer is told as a warning, by its
 * own code.
 */
export async function serveLazily(
  context: ImageContext,
  {device, ...request}: LazyServiceRequest,
  {onOpened, ...options}: LazyServiceOptions,
): Promise<void> {
  const told = new Set<string>();
  const onFailure = (error: unknown) => {
    const [code, message] = isWinchError(error) ? [error.code, error.message] : ['LAZY_READ_FAILED', String(error)];
    const key = `${code} ${isWinchError(error) ? error.details.layer : ''}`;
    if (told.has(key)) return;
    told.add(key);
    options.onEvent?.({type: 'warning:raised', code, message: `${message}: what needs it gets an input/output error`});
  };
  using opened = await openLazyImage(context, request, {...options, onFailure});
  onOpened(opened.image);
  await serveFiles(device, opened.files);
}
