import {load, type Scenario} from './scenario.ts';

export const remove: Scenario = {
  name: 'remove',
  title: 'remove an image',
  contenderFor(peer, image) {
    const words = peer.commands.remove?.(image);
    return words === undefined ? null : {words, setUp: () => peer.reset(), prepare: () => load(peer, image)};
  },
};
