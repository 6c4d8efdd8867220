import {WinchError} from '../errors.ts';
import type {Digest} from '../oci/digest.ts';
import {responseError, type Verdict} from './response-errors.ts';
import type {RegistrySession} from './session.ts';
import type {TransportResponse} from './transport.ts';

/** The blob that an error is about. */
export interface UploadSubject {
  readonly session: RegistrySession;
  readonly repository: string;
  readonly digest: Digest;
}

/** The error that a reply to a request of an upload stands for. */
export function uploadError(subject: UploadSubject, response: TransportResponse): Promise<WinchError> {
  const {session, repository, digest} = subject;
  return responseError(response, {
    registry: session.registry,
    repository,
    wanted: `the upload of ${digest} to ${repository}`,
    action: 'write to',
    byRegistryCode: new Map([['DIGEST_INVALID', digestVerdict(subject)]]),
    secrets: session.secrets(),
  });
}

/** The registry stored something else. */
export function digestInvalid(subject: UploadSubject, received: Digest): WinchError {
  const {code, kind, message, hint} = digestVerdict(subject);
  return new WinchError(code, message, {kind, hint, details: {expected: subject.digest, actual: received}});
}

/** An upload that was begun again often enough. */
export function uploadFailed(
  {session, repository, digest}: UploadSubject,
  sent: number,
  cause: WinchError,
): WinchError {
  const message = `the upload of ${digest} to ${session.registry}/${repository} stops at byte ${sent}: ${cause.message}`;
  return new WinchError('UPLOAD_FAILED', message, {
    kind: cause.kind,
    hint: cause.details.status === 413 ? 'the registry or a proxy before it limits sizes' : 'try again later',
    details: {...cause.details, digest, sent},
    cause,
  });
}

/** A registry that does not tell how much it has. */
export const silentAbout = ({session, digest}: UploadSubject): WinchError =>
  new WinchError('PROTOCOL_ERROR', `${session.registry} does not say how much of ${digest} it has`, {
    kind: 'unavailable',
    hint: 'try again later',
    details: {host: session.registry},
  });

/** A registry that counts otherwise than it was sent. */
export const miscounted = ({session, digest}: UploadSubject, received: number, sent: number): WinchError =>
  new WinchError(
    'PROTOCOL_ERROR',
    `${session.registry} counts ${received} bytes of ${digest} where ${sent} were sent`,
    {
      kind: 'unavailable',
      hint: 'try again later',
      details: {host: session.registry},
    },
  );

const digestVerdict = ({session, repository, digest}: UploadSubject): Verdict => ({
  kind: 'refused',
  code: 'DIGEST_INVALID',
  message: `${session.registry}/${repository} received other bytes than those of ${digest}`,
  hint: 'they were changed on the way, or what they are read from is damaged; nothing was stored',
});
