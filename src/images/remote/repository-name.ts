import {isWinchError, WinchError} from '../../errors.ts';
import type {Digest} from '../../oci/digest.ts';
import {excerpt} from '../../oci/excerpt.ts';
import {parseReference, type Reference} from '../../oci/reference.ts';

/**
 * A repository by its name alone (`alpine`, `ghcr.io/org/app`).
 *
 * @throws {WinchError} `REFERENCE_INVALID`: also for a name with a tag or a digest.
 */
export function parseRepository(text: string): Reference {
  const reference = parseReference(text);
  const path = text.slice(text.lastIndexOf('/') + 1);
  if (!/[:@]/.test(path)) return reference;
  throw invalid(
    `${excerpt(text)} names one image and no repository`,
    `write ${text.slice(0, -path.length)}${path.split(/[:@]/, 1)[0]}`,
  );
}

/**
 * Something in a repository by its digest (`alpine@sha256:…`).
 *
 * @throws {WinchError} `REFERENCE_INVALID`: also for a name without a digest.
 */
export function parseDigestReference(text: string): Reference & {readonly digest: Digest} {
  const {digest, ...reference} = parseReference(text);
  if (digest !== null) return {...reference, digest};
  throw invalid(`${excerpt(text)} has no digest`, 'write repository@sha256:…');
}

/**
 * A registry by its host (`ghcr.io`, `localhost:5000`).
 *
 * @throws {WinchError} `REFERENCE_INVALID`
 */
export function parseRegistry(text: string): string {
  const fault = invalid(`${excerpt(text)} is not a registry`, 'write host or host:port');
  try {
    const {registry, repository} = parseReference(`${text}/any`);
    // What is no host counts as part of a path on Docker Hub.
    if (repository === 'any' || repository === 'library/any') return registry;
  } catch (error) {
    if (!isWinchError(error, 'REFERENCE_INVALID')) throw error;
  }
  throw fault;
}

const invalid = (message: string, hint: string): WinchError =>
  new WinchError('REFERENCE_INVALID', message, {kind: 'invalid', hint});
