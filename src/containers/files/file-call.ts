import type {CommitOptions} from './commit-container.ts';
import type {CopyFromContainerOptions, CopyOfContainer, ReadContainerOptions} from './copy-from-container.ts';
import type {CopyToContainerOptions} from './copy-to-container.ts';
import type {ContainerPath} from './located-file.ts';

type Said<Options> = Omit<Options, 'signal' | 'onEvent'>;

/** What opens files of a container, whose tar then comes on standard output. */
export type TarCall =
  | {readonly name: 'readTar'; readonly source: ContainerPath; readonly options: Said<ReadContainerOptions>}
  | {readonly name: 'export'; readonly container: string};

/** What concerns the files of a container, which belong to root of a user namespace and to those below. */
export type FileCall =
  | TarCall
  | {readonly name: 'statPath'; readonly source: ContainerPath}
  | {readonly name: 'diff'; readonly container: string}
  | {readonly name: 'commit'; readonly container: string; readonly options: Said<CommitOptions>}
  | {readonly name: 'copyFrom'; readonly copy: CopyOfContainer; readonly options: Said<CopyFromContainerOptions>}
  /** A tar is read from standard input. */
  | {
      readonly name: 'copyTo';
      readonly copy: ContainerPath & {readonly source: string | null};
      readonly options: Said<CopyToContainerOptions>;
    };

/** The container that a call is about. */
export function containerOf(call: FileCall): string {
  switch (call.name) {
    case 'readTar':
    case 'statPath':
      return call.source.container;
    case 'copyFrom':
    case 'copyTo':
      return call.copy.container;
    default:
      return call.container;
  }
}
