import {isWinchError} from '../errors.ts';

interface Alternatives<T> {
  readonly ofContainer: () => Promise<T>;
  readonly ofImage: () => Promise<T>;
}

/** Does something with a container, or with an image where there is no container of that name, or a platform is given. */
export async function orOfImage<T>(platform: string | undefined, {ofContainer, ofImage}: Alternatives<T>): Promise<T> {
  if (platform !== undefined) return await ofImage();
  try {
    return await ofContainer();
  } catch (error) {
    if (!mayBeImage(error)) throw error;
    return await ofImage();
  }
}

/** Whether a name that was taken for a container's may be an image's: who may read images need not see containers. */
export const mayBeImage = (error: unknown): boolean =>
  isWinchError(error, 'CONTAINER_UNKNOWN') || isWinchError(error, 'STORE_DENIED');
