import type {WinchError} from '../errors.ts';
import {notOffered} from './api-error.ts';
import type {ApiReply, Handler, Hijack} from './api-request.ts';

/** What clients take the versions from that they then ask for. */
export const ping: Handler = (_context, _request): ApiReply => ({
  type: 'text',
  text: 'OK',
  headers: {
    'Docker-Experimental': 'false',
    Ostype: 'linux',
    'Builder-Version': '1',
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
  },
});

/** A client that still sends its files would not read why. */
export const refuseBuild: Handler = async (_context, {body}) => {
  let bytes = 0;
  for await (const piece of body) {
    bytes += piece.length;
    if (bytes > DISCARDED_BYTES) break;
  }
  throw noBuilds();
};

const DISCARDED_BYTES = 256 * 1024 * 1024;

export const refuseSession: Hijack = () => Promise.reject(noBuilds());

const noBuilds = (): WinchError =>
  notOffered('winch does not build images', 'build with buildah, kaniko or docker buildx, and load the result');

/** There are none; some clients look for them before anything else. */
export const listPlugins: Handler = () => ({type: 'json', value: []});
