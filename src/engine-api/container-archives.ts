import {isWinchError, WinchError} from '../errors.ts';
import {type ApiRequest, type Handler, isSet} from './api-request.ts';
import {idOf} from './containers.ts';
import {pathStatusHeaders} from './path-status.ts';

/** A file or directory as a tar, as `docker cp CONTAINER:/path -` has it. */
export const readArchive: Handler = async ({toolkit}, request) => {
  const options = {namesRoot: true, signal: request.signal};
  const {status, content, close} = await toolkit.containers.readTar(placeOf(request), options);
  return {type: 'bytes', contentType: 'application/x-tar', headers: pathStatusHeaders(status), content, close};
};

export const statArchive: Handler = async ({toolkit}, request) => {
  const status = await toolkit.containers.statPath(placeOf(request), {signal: request.signal});
  return {type: 'empty', status: 200, headers: pathStatusHeaders(status)};
};

/** Puts the files of a tar, plain or packed, into a directory that exists. Their owners are kept. */
export const writeArchive: Handler = async ({toolkit}, request) => {
  const {query, body: source, signal} = request;
  const replacesOtherKinds = !isSet(query, 'noOverwriteDirNonDir');
  const options = {needsDirectory: true, replacesOtherKinds, signal};
  await toolkit.containers.copyTo({...placeOf(request), source}, options).catch((error: unknown) => {
    throw isWinchError(error) && error.kind === 'refused' ? refusedTar(error) : error;
  });
  return {type: 'empty', status: 200};
};

/** It is the client's own, and no image's. */
const refusedTar = (cause: WinchError): WinchError =>
  new WinchError(cause.code, cause.message, {kind: 'invalid', hint: 'nothing of the tar was put in', cause});

/** All files of a container but those of its volumes. */
export const exportContainer: Handler = async ({toolkit}, request) => {
  const {content, close} = await toolkit.containers.export(idOf(request), {signal: request.signal});
  return {type: 'bytes', contentType: 'application/octet-stream', content, close};
};

function placeOf(request: ApiRequest): {readonly container: string; readonly path: string} {
  const path = request.query.get('path') ?? '';
  if (path !== '' && !path.includes('\0')) return {container: idOf(request), path};
  throw new WinchError('PATH_INVALID', 'the query names no path', {kind: 'invalid'});
}
