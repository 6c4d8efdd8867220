import {isIP} from 'node:net';
import {definedMembers} from '../../oci/defined-members.ts';
import {list, text} from '../arguments/option-table.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import {defineCommand} from '../command.ts';

/** `winch network connect` */
export const networkConnectCommand = defineCommand({
  name: 'network connect',
  summary: 'Connect a container to one more network',
  description: 'At once where it runs, and whenever it is started again.',
  positionals: {usage: 'NETWORK CONTAINER', minimum: 2, maximum: 2},
  options: {
    alias: list('NAME', 'A further name in the network'),
    ip: text('ADDRESS', 'Its IPv4 address in the network'),
    ip6: text('ADDRESS', 'Its IPv6 address in the network'),
  },
  examples: [['winch network connect --alias db shop postgres', 'With a name for the others']],
  handle: async ({values, positionals: [name = '', container = '']}, context) => {
    const addresses = [values.ip, values.ip6].filter((address) => address !== undefined);
    for (const address of addresses) if (isIP(address) === 0) throw invalidAddress(address);
    const join = definedMembers({aliases: values.alias, addresses: addresses.length > 0 ? addresses : undefined});
    const {networks} = await context.openToolkit();
    await networks.connect(container, {name, ...join}, {signal: context.signal});
    return 0;
  },
});

const invalidAddress = (address: string) => flagInvalid('--ip', `${quote(address)} is no address`, '--ip 10.1.2.3');
