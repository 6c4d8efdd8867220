import {choice, flag, list} from '../arguments/option-table.ts';
import {defineCommand} from '../command.ts';
import {parseCreateNetwork} from '../options/create-network.ts';

/** `winch network create` */
export const networkCreateCommand = defineCommand({
  name: 'network create',
  summary: 'Make a network that containers join, and print its id',
  description:
    'Containers of one network find each other by name; nothing but answers and published ports gets into a bridge from ' +
    'outside. With macvlan and ipvlan containers are in the network of a device of this machine, with addresses of ' +
    'their own there; this machine itself does not reach them. ' +
    'Needs the CNI plugins and iptables when the first container joins.',
  positionals: {usage: 'NAME', minimum: 1, maximum: 1},
  options: {
    driver: choice(['bridge', 'macvlan', 'ipvlan'], 'What makes it', {short: 'd', defaultsTo: 'bridge'}),
    subnet: list('SUBNET', 'Its addresses (10.1.2.0/24); one of IPv4, one of IPv6'),
    gateway: list('ADDRESS', "The machine's own address in each subnet; with a parent that of its router"),
    'ip-range': list('SUBNET', 'The part of each subnet that containers get addresses from'),
    internal: flag('Nothing beyond it can be reached'),
    ipv6: flag('With a subnet of IPv6 as well'),
    opt: list(
      'KEY=value',
      'mtu (com.docker.network.driver.mtu) in bytes; parent, the device, and macvlan_mode or ipvlan_mode',
      {short: 'o'},
    ),
    label: list('KEY=value', 'Label it'),
  },
  examples: [
    ['winch network create shop', 'With addresses that nobody uses here'],
    ['winch network create --subnet 10.1.2.0/24 --gateway 10.1.2.254 shop', 'With these'],
    ['winch network create --internal --label ci tests', 'Without a way out'],
    [
      'winch network create -d macvlan -o parent=eth0 --subnet 192.168.1.0/24 --ip-range 192.168.1.192/27 lan',
      'In the network of eth0',
    ],
  ],
  handle: async ({values, positionals: [name = '']}, context) => {
    const request = parseCreateNetwork(name, values);
    const {networks} = await context.openToolkit();
    context.print(await networks.create(request, {signal: context.signal}));
    return 0;
  },
});
