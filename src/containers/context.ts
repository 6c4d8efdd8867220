import type {ImageContext} from '../images/context.ts';

/** What the container use cases work with. */
export interface ContainerContext extends ImageContext {
  /** The host's name. */
  readonly hostname: string;
}
