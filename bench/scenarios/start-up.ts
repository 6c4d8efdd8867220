import type {Scenario} from './scenario.ts';

export const startUp: Scenario = {
  name: 'start-up',
  title: 'start-up (--version)',
  isImageless: true,
  contenderFor(peer) {
    const words = peer.commands.version;
    return words === undefined ? null : {words};
  },
};
