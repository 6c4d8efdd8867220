import {load, type Scenario} from './scenario.ts';

export const warmPull: Scenario = {
  name: 'warm-pull',
  title: 'warm pull (nothing to do)',
  contenderFor(peer, image) {
    const digest = peer.commands.digest?.(image);
    if (digest) return {words: digest};
    const words = peer.commands.pull?.(image);
    return words === undefined ? null : {words, setUp: () => load(peer, image)};
  },
};
