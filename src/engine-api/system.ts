import {notOffered} from './api-error.ts';
import type {ApiReply, Handler} from './api-request.ts';

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

export const refuseBuild: Handler = () => {
  throw notOffered('winch does not build images', 'build with buildah, kaniko or docker buildx, and load the result');
};
