import {isArray, isPlainObject, isString} from '@sindresorhus/is';
import {type ErrorKind, WinchError} from '../errors.ts';
import {readLimited} from './response-body.ts';
import type {TransportResponse} from './transport.ts';

const ERROR_BODY_LIMIT_BYTES = 1_048_576;
const MESSAGE_CHARACTERS = 200;

/** What was asked, for the message. */
export interface Subject {
  /** The registry as it stands in references. */
  readonly registry: string;
  readonly repository: string;
  /** `the tag 1.0 of team/app` */
  readonly wanted: string;
  /** For a 404 that is not about the repository. */
  readonly notFound?: NotFound;
  /** For a code that says so, and for these statuses; default: 405. */
  readonly unsupported?: NotFound & {readonly statuses?: readonly number[]};
  /** For error codes of the registry, whatever the status. */
  readonly byRegistryCode?: ReadonlyMap<string, Verdict>;
  /** What the account would have to be allowed. Default: `read`. */
  readonly action?: 'read' | 'write to' | 'delete from';
  /** Texts that the registry may repeat and that no message may show. */
  readonly secrets?: readonly string[];
}

/** What a 404 means. */
export interface NotFound {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** What another reply means. */
export interface Verdict extends NotFound {
  readonly kind: ErrorKind;
}

/** The first entry of an error body; both parts are the registry's own words. */
interface RegistryMessage {
  readonly code: string;
  readonly message: string;
}

/**
 * The error that a reply other than the wanted one stands for: `NAME_UNKNOWN` or the subject's own code for 404,
 * `AUTH_DENIED`, `RATE_LIMITED`, else `REGISTRY_ERROR` with the registry's message. Reads the body.
 */
export async function responseError(response: TransportResponse, subject: Subject): Promise<WinchError> {
  const said = await readRegistryMessage(response, subject.secrets ?? []);
  const {code, kind, message, hint} = judge(response, subject, said);
  const isExplained = kind === 'not-found' || code === subject.unsupported?.code;
  const words = isExplained ? '' : ((said?.message || said?.code) ?? '');
  const tries = response.repeated === undefined ? '' : `; retried ${response.repeated}`;
  return new WinchError(code, `${words === '' ? message : `${message}: ${words}`}${tries}`, {
    kind,
    hint,
    details: {host: response.url.host, status: response.status},
  });
}

/** The 404 of a whole repository. */
export const repositoryUnknown = (registry: string, repository: string): NotFound => ({
  code: 'NAME_UNKNOWN',
  message: `${registry} has no repository ${repository}`,
  hint: 'check how the repository is written; a private one may need a login',
});

/** The registry's words in an error body, secrets taken out, cut to 200 characters; null when there are none. */
async function readRegistryMessage(
  response: TransportResponse,
  secrets: readonly string[],
): Promise<RegistryMessage | null> {
  const first = firstError(await readJson(response));
  if (first === null) return null;
  return {code: presentable(first.code, secrets), message: presentable(first.message, secrets)};
}

function judge({status, headers}: TransportResponse, subject: Subject, said: RegistryMessage | null): Verdict {
  const {registry, repository, wanted, notFound, unsupported, action = 'read'} = subject;
  const verdict = said === null ? undefined : subject.byRegistryCode?.get(said.code);
  if (verdict) return verdict;
  if (unsupported && isUnsupported(status, said, unsupported)) return {...unsupported, kind: 'unavailable'};
  if (status === 404 && said?.code === 'NAME_UNKNOWN') {
    return {...repositoryUnknown(registry, repository), kind: 'not-found'};
  }
  if (status === 404 && notFound) return {...notFound, kind: 'not-found'};
  if (status === 403) {
    const hint = `log in with an account that may ${action} it; the registry may also block this client`;
    return {code: 'AUTH_DENIED', kind: 'denied', message: `${registry} denies ${wanted}`, hint};
  }
  if (status === 429) {
    const wait = headers['retry-after'];
    const hint = `${wait === undefined ? 'try again later' : `try again in ${retryText(wait)}`}; a login may allow more`;
    return {
      code: 'RATE_LIMITED',
      kind: 'unavailable',
      message: `${registry} limits how often it may be asked`,
      hint,
    };
  }
  const message = `${registry} answered ${status} for ${wanted}`;
  const hint = status >= 500 ? 'the registry has a problem: try again later' : 'check the name and the registry';
  return {code: 'REGISTRY_ERROR', kind: 'unavailable', message, hint};
}

const isUnsupported = (
  status: number,
  said: RegistryMessage | null,
  {statuses = [405]}: NonNullable<Subject['unsupported']>,
): boolean => said?.code === 'UNSUPPORTED' || statuses.includes(status);

const retryText = (retryAfter: string): string => (/^\d{1,6}$/.test(retryAfter) ? `${retryAfter} s` : 'a while');

async function readJson(response: TransportResponse): Promise<unknown> {
  if (response.headers['content-encoding'] !== undefined) {
    response.close();
    return null;
  }
  const tooLarge = () => new WinchError('PROTOCOL_ERROR', 'an error body above 1 MiB', {kind: 'unavailable'});
  try {
    return JSON.parse((await readLimited(response, {limitBytes: ERROR_BODY_LIMIT_BYTES, tooLarge})).toString());
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof WinchError) return null;
    throw error;
  }
}

/** distribution-spec v1.1.1 spec.md#error-codes; token servers also send `details` or a lone `message`. */
function firstError(body: unknown): RegistryMessage | null {
  if (!isPlainObject(body)) return null;
  const entry = isArray(body.errors) ? body.errors[0] : {message: body.message ?? body.details};
  if (!isPlainObject(entry)) return null;
  const code = isString(entry.code) ? entry.code : '';
  const message = isString(entry.message) ? entry.message : '';
  return code === '' && message === '' ? null : {code, message};
}

function presentable(text: string, secrets: readonly string[]): string {
  const clean = secrets.reduce((rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, '***')), text);
  return clean.length > MESSAGE_CHARACTERS ? `${clean.slice(0, MESSAGE_CHARACTERS)}…` : clean;
}
