import {load, type Scenario} from './scenario.ts';

export const unpack: Scenario = {
  name: 'unpack',
  title: 'unpack to a runtime bundle (image present)',
  contenderFor(peer, image) {
    const words = peer.commands.unpack?.(image);
    if (words === undefined) return null;
    return {words, setUp: () => load(peer, image), prepare: async () => peer.removeBundle?.()};
  },
};
