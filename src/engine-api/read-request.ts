import type {IncomingMessage} from 'node:http';
import {WinchError} from '../errors.ts';
import type {ApiRequest} from './api-request.ts';
import type {FindRoute, Route} from './find-route.ts';

export interface ReadRequest {
  readonly route: Route;
  readonly asked: ApiRequest;
}

/** @throws {WinchError} `PAGE_UNKNOWN` | of the look for a route */
export function readRequest(findRoute: FindRoute, request: IncomingMessage, signal: AbortSignal): ReadRequest {
  const {method = '', url = '', headers} = request;
  const [path = '', ...rest] = url.split('?');
  const found = findRoute(method, path);
  if (!found) throw new WinchError('PAGE_UNKNOWN', 'page not found', {kind: 'not-found'});
  const query = new URLSearchParams(rest.join('?'));
  return {route: found.route, asked: {parameters: found.parameters, query, headers, body: request, signal}};
}
