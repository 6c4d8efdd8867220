import type {WinchError} from '../errors.ts';

type Details = WinchError['details'];

/** Scripts and libraries look for these words. */
const SENTENCES: Readonly<Record<string, (details: Details) => string | null>> = {
  CONTAINER_UNKNOWN: ({container}) => about(container, (name) => `No such container: ${name}`),
  IMAGE_UNKNOWN: ({image}) => about(image, (name) => `No such image: ${name}`),
  NAME_IN_USE: ({name, holder}) =>
    about(
      name,
      (taken) =>
        `Conflict. The container name "/${taken}" is already in use by container "${holder}". ` +
        'You have to remove (or rename) that container to be able to reuse that name.',
    ),
  NETWORK_EXISTS: ({network}) => about(network, (name) => `network with name ${name} already exists`),
  NETWORK_UNKNOWN: ({network}) => about(network, (name) => `network ${name} not found`),
  VOLUME_UNKNOWN: ({volume}) => about(volume, (name) => `get ${name}: no such volume`),
  PATH_UNKNOWN: ({path, container}) =>
    about(path, (name) => `Could not find the file ${name} in container ${container}`),
};

/** How docker says it; null: it says nothing of the kind. */
export const dockersSentence = ({code, details}: WinchError): string | null =>
  Object.hasOwn(SENTENCES, code) ? (SENTENCES[code]?.(details) ?? null) : null;

const about = (name: Details[string] | undefined, say: (name: string) => string): string | null =>
  typeof name === 'string' ? say(name) : null;
