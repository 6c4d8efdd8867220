import {choice, flag, list} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {parseCreateNetwork} from '../options/create-network.ts';

/** `winch network create` */
export const networkCreateCommand = defineCommand({
  name: 'network create',
  summary: 'Make a network that containers join, and print its id',
  description:
    'Containers of one network find each other by name; nothing but answers and published ports gets in from outside. ' +
    'Needs the CNI plugins and iptables when the first container joins.',
  positionals: {usage: 'NAME', minimum: 1, maximum: 1},
  options: {
    driver: choice(['bridge'], 'What makes it', {short: 'd', defaultsTo: 'bridge'}),
    subnet: list('SUBNET', 'Its addresses (10.1.2.0/24); one of IPv4, one of IPv6'),
    gateway: list('ADDRESS', "The machine's own address in each subnet"),
    'ip-range': list('SUBNET', 'The part of each subnet that containers get addresses from'),
    internal: flag('Nothing beyond it can be reached'),
    ipv6: flag('With a subnet of IPv6 as well'),
    opt: list('KEY=value', 'com.docker.network.driver.mtu or mtu, in bytes', {short: 'o'}),
    label: list('KEY=value', 'Label it'),
  },
  examples: [
    ['winch network create shop', 'With addresses that nobody uses here'],
    ['winch network create --subnet 10.1.2.0/24 --gateway 10.1.2.254 shop', 'With these'],
    ['winch network create --internal --label ci tests', 'Without a way out'],
  ],
  handle: async ({values, positionals: [name = '']}, context) => {
    const request = parseCreateNetwork(name, values);
    const {networks} = await context.openToolkit();
    context.print(await networks.create(request, {signal: context.signal}));
    return 0;
  },
});
