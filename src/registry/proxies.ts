import {BlockList, isIP} from 'node:net';
import {WinchError} from '../errors.ts';
import {addressClass} from './address-class.ts';

/** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, or in lower case. */
export type ProxyEnvironment = Readonly<Record<string, string>>;

/** Why a URL is asked as it is. */
export interface ProxyChoice {
  /** Null: asked directly. May hold a login, so it is not to be shown. */
  readonly proxy: URL | null;
  /** One line without secrets. */
  readonly reason: string;
}

interface Target {
  readonly host: string;
  readonly port: string;
}

const DIRECT: ProxyChoice = Object.freeze({proxy: null, reason: 'no proxy is set'});

/**
 * Chooses the proxy of a URL by the rules that most tools share: capitals win, a proxy without scheme is an HTTP one,
 * loopback is asked directly, and so is what `NO_PROXY` lists: `*`, domains with what is below them, `.domain` for only
 * what is below, addresses, networks (CIDR), each with an optional port.
 *
 * @throws {WinchError} `PROXY_INVALID`
 * @see golang.org/x/net/http/httpproxy
 */
export function chooseProxy(url: URL, environment: ProxyEnvironment): ProxyChoice {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY';
  const [variable, value] = find(environment, name);
  if (value === '') return DIRECT;
  if (addressClass(url.hostname) === 'loopback') return {proxy: null, reason: 'loopback is asked directly'};
  const target = {host: bareHost(url.hostname), port: url.port || (url.protocol === 'https:' ? '443' : '80')};
  const [listName, list] = find(environment, 'NO_PROXY');
  const exception = list
    .split(',')
    .map((text) => text.trim().toLowerCase())
    .find((text) => text !== '' && isListed(text, target));
  if (exception !== undefined) return {proxy: null, reason: `${listName} lists ${exception}`};
  return {proxy: parseProxy(variable, value), reason: `${variable} is set`};
}

function find(environment: ProxyEnvironment, name: string): readonly [variable: string, value: string] {
  const variable = [name, name.toLowerCase()].find((key) => environment[key]) ?? name;
  return [variable, environment[variable] ?? ''];
}

const bareHost = (hostname: string): string =>
  hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');

function isListed(text: string, {host, port}: Target): boolean {
  if (text === '*') return true;
  if (text.includes('/')) return isInNetwork(text, host);
  const [, named = text, wantedPort] = /^(.*?|\[.*\]):(\d+)$/.exec(isIP(text) === 6 ? '' : text) ?? [];
  if (wantedPort !== undefined && wantedPort !== port) return false;
  const name = bareHost(named.replace(/^\*(?=\.)/, ''));
  if (isIP(name) !== 0 || isIP(host) !== 0) return name === host;
  return name.startsWith('.') ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}

function isInNetwork(text: string, host: string): boolean {
  const [network = '', prefix = ''] = text.split('/');
  const version = isIP(network);
  const length = Number(prefix);
  if (version === 0 || isIP(host) === 0 || !/^\d+$/.test(prefix) || length > (version === 4 ? 32 : 128)) return false;
  const block = new BlockList();
  block.addSubnet(network, length, version === 4 ? 'ipv4' : 'ipv6');
  return block.check(host, isIP(host) === 4 ? 'ipv4' : 'ipv6');
}

function parseProxy(variable: string, value: string): URL {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (!URL.canParse(withScheme)) throw proxyInvalid(variable, 'is no address');
  const url = new URL(withScheme);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw proxyInvalid(variable, `names a proxy of the kind ${url.protocol.slice(0, -1)}, which is not supported`);
  }
  return url;
}

const proxyInvalid = (variable: string, fault: string): WinchError =>
  new WinchError('PROXY_INVALID', `$${variable} ${fault}`, {
    kind: 'invalid',
    hint: 'write http://host:port, or take the variable away',
    details: {variable},
  });
