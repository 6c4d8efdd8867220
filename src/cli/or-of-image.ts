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
    if (!isWinchError(error, 'CONTAINER_UNKNOWN')) throw error;
    return await ofImage();
  }
}
