import type {NetworkSummary} from '../../containers/networks/list-networks.ts';
import {DEFAULT_NETWORK} from '../../network/definition.ts';
import {hasLabel, type KeyFilter, parseKeyFilter, whether} from './key-filter.ts';

const FILTER: KeyFilter<NetworkSummary> = {
  questions: {
    name: (value) => (network) => network.name.includes(value),
    id: (value) => (network) => network.id?.startsWith(value) === true,
    label: hasLabel,
    driver: (value) => (network) => network.driver === value,
    dangling: whether((network) => network.name !== DEFAULT_NETWORK && network.containers.length === 0),
    type: (value) =>
      value === 'builtin' || value === 'custom'
        ? (network) => (network.name === DEFAULT_NETWORK) === (value === 'builtin')
        : null,
  },
  expected: '--filter name=, id=, label=, driver=, dangling=true|false or type=custom|builtin',
};

/**
 * Reads `--filter`s of networks into one question.
 *
 * @throws {WinchError} `FLAG_INVALID`
 */
export const parseNetworkFilter = (words: readonly string[]): ((network: NetworkSummary) => boolean) =>
  parseKeyFilter(words, FILTER);
