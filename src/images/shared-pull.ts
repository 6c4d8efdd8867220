import {definedMembers} from '../oci/defined-members.ts';
import {formatReference, parseReference} from '../oci/reference.ts';
import type {ImageContext} from './context.ts';
import {createJobs} from './jobs.ts';
import type {PulledImage, PullOptions} from './pull.ts';
import {pullFromRegistry} from './pull-from-registry.ts';

/**
 * As `pullFromRegistry`, once for all who ask for the same at the same time: a caller that goes away does not cancel it
 * for the others.
 */
export function createSharedPull(
  context: ImageContext,
): (reference: string, options?: PullOptions) => Promise<PulledImage> {
  const jobs = createJobs();
  return async (reference, {signal, onEvent, ...options} = {}) => {
    const asked = Object.entries(definedMembers(options)).toSorted(([a], [b]) => a.localeCompare(b));
    const key = JSON.stringify([formatReference(parseReference(reference)), asked]);
    return jobs.run(key, {signal, onEvent}, (shared) => pullFromRegistry(context, reference, {...options, ...shared}));
  };
}
