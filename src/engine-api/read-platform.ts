import {WinchError} from '../errors.ts';
import {parseJson} from './api-request.ts';
import {readFields} from './body-fields.ts';

/**
 * The platform of a query: `os/architecture[/variant]`, or a JSON object of these, as newer versions of the API have it.
 *
 * @throws {WinchError} `PLATFORM_INVALID` | `BODY_INVALID`
 */
export function readPlatform(text: string | null): string | undefined {
  if (!text) return undefined;
  if (!text.startsWith('{')) return text;
  const fields = readFields(parseJson(Buffer.from(text), 'the platform of the query'), 'platform.');
  const [os, architecture, variant] = ['os', 'architecture', 'variant'].map((name) => fields.text(name));
  if (!os || !architecture) {
    throw new WinchError('PLATFORM_INVALID', 'the platform of the query has no os and architecture', {kind: 'invalid'});
  }
  return [os, architecture, variant].filter(Boolean).join('/');
}
