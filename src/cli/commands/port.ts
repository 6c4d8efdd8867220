import {formatHostPort, innerOf} from '../../docker-json/network-settings.ts';
import type {PublishedPort} from '../../network/network-mode.ts';
import {flagInvalid, quote} from '../arguments/usage-error.ts';
import {defineCommand} from '../command.ts';

/** `winch port` */
export const portCommand = defineCommand({
  name: 'port',
  summary: 'Show which ports of this machine lead to a container',
  description: 'Of a container that runs; with a port of the container, where that one is.',
  positionals: {usage: 'CONTAINER [PORT[/udp]]', minimum: 1, maximum: 2, areContainers: true, maximumContainers: 1},
  options: {},
  examples: [
    ['winch port web', 'All of them'],
    ['winch port web 80', 'Where port 80 of it is'],
  ],
  handle: async ({positionals: [container = '', wanted]}, context) => {
    const isWanted = wanted === undefined ? () => true : parsePort(wanted);
    const {containers} = await context.openToolkit();
    const ports = (await containers.ports(container, {signal: context.signal})).filter(isWanted);
    for (const port of ports)
      context.print(wanted === undefined ? `${innerOf(port)} -> ${formatHostPort(port)}` : formatHostPort(port));
    return wanted !== undefined && ports.length === 0 ? 1 : 0;
  },
});

function parsePort(text: string): (port: PublishedPort) => boolean {
  const [, number, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(text) ?? [];
  if (number === undefined) throw flagInvalid('PORT', `${quote(text)} is no port`, '80 or 53/udp');
  return (port) => port.containerPort === Number(number) && port.protocol === protocol;
}
