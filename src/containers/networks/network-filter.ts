import {DEFAULT_NETWORK} from '../../network/definition.ts';
import {createKeyFilter, type Filters, hasLabel, type KeyFilter, type Question, whether} from '../key-filter.ts';
import type {NetworkSummary} from './list-networks.ts';

/** What filters ask of a network. */
export interface FilteredNetwork extends Pick<NetworkSummary, 'id' | 'name' | 'labels' | 'containers'> {
  readonly driver: string;
}

/** Those that nobody has made. */
const BUILTIN: readonly string[] = [DEFAULT_NETWORK, 'host', 'none'];
const isBuiltin = ({name}: FilteredNetwork): boolean => BUILTIN.includes(name);

const FILTER: KeyFilter<FilteredNetwork> = {
  what: 'networks',
  questions: {
    name: (value) => (network) => network.name.includes(value),
    id: (value) => (network) => network.id.startsWith(value),
    label: hasLabel,
    driver: (value) => (network) => network.driver === value,
    scope: (value) => () => value === 'local',
    dangling: whether((network) => !isBuiltin(network) && network.containers.length === 0),
    type: (value) =>
      value === 'builtin' || value === 'custom' ? (network) => isBuiltin(network) === (value === 'builtin') : null,
  },
  expected: 'name=, id=, label=, driver=, scope=, dangling=true|false or type=custom|builtin',
};

/** Makes a choice among networks. @throws {WinchError} `FILTER_INVALID` */
export const createNetworkFilter = (filters: Filters): Question<FilteredNetwork> => createKeyFilter(filters, FILTER);
