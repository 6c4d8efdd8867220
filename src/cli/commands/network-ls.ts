import {createNetworkFilter} from '../../containers/networks/network-filter.ts';
import {flag, list} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {FORMAT_FLAG, NO_TRUNC_FLAG} from '../options/image.ts';
import {parseKeyFilters} from '../options/key-filter.ts';
import {renderNetworks} from '../render/networks.ts';

/** `winch network ls` */
export const networkLsCommand = defineCommand({
  name: 'network ls',
  summary: 'List networks',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {
    filter: list(
      'KEY=value',
      'name, id, label, driver, scope, dangling (true: no container is in it) or type (custom, builtin)',
    ),
    ...FORMAT_FLAG,
    ...NO_TRUNC_FLAG,
    quiet: flag('Print names only', {short: 'q'}),
  },
  examples: [
    ['winch network ls', 'All of them'],
    ['winch network ls -q --filter label=ci --filter dangling=true', 'Names of those of a label that nobody is in'],
    ["winch network ls --format '{{.Name}} {{.Subnets}}'", 'By template; json prints everything'],
  ],
  handle: async ({values}, context) => {
    const isShown = createNetworkFilter(parseKeyFilters(values.filter ?? []));
    const {networks} = await context.openToolkit();
    const shown = (await networks.list({signal: context.signal})).filter(isShown);
    const view = {format: values.format, namesOnly: values.quiet ?? false, isFull: values['no-trunc'] ?? false};
    const text = renderNetworks(shown, view);
    if (text !== '') context.print(text);
    return 0;
  },
});
