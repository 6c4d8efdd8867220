import {isIP} from 'node:net';
import {WinchError} from '../errors.ts';
import {excerpt} from '../oci/excerpt.ts';
import type {DnsOptions} from './network.ts';

/**
 * A `resolv.conf`: the lines of `base`, without those whose part `dns` replaces, and then what `dns` says.
 *
 * @throws {WinchError} `NETWORK_INVALID`: a server that is no IP address, or a word with white space.
 * @see resolv.conf(5)
 */
export function formatResolvConf(base: string, dns: DnsOptions): string {
  const {servers, search, options} = dns;
  for (const server of servers ?? []) if (isIP(server) === 0) throw invalidWord(server, 'an IP address');
  for (const word of [...(search ?? []), ...(options ?? [])])
    if (!/^\S+$/.test(word)) throw invalidWord(word, 'one word');
  const replaced = [
    ...(servers === undefined ? [] : ['nameserver']),
    ...(search === undefined ? [] : ['search', 'domain']),
    ...(options === undefined ? [] : ['options']),
  ];
  const kept = base.split('\n').filter((line) => line.trim() !== '' && !replaced.includes(keywordOf(line)));
  const added = [
    ...(servers ?? []).map((server) => `nameserver ${server}`),
    ...directive('search', search),
    ...directive('options', options),
  ];
  return [...kept, ...added].map((line) => `${line}\n`).join('');
}

const keywordOf = (line: string): string => line.trim().split(/\s+/, 1)[0] ?? '';

const directive = (keyword: string, words: readonly string[] = []): string[] =>
  words.length === 0 ? [] : [`${keyword} ${words.join(' ')}`];

const invalidWord = (word: string, expected: string): WinchError =>
  new WinchError('NETWORK_INVALID', `${excerpt(word)} in the DNS settings is not ${expected}`, {kind: 'invalid'});
