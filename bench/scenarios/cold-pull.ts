import type {Scenario} from './scenario.ts';

export const coldPull: Scenario = {
  name: 'pull',
  title: 'cold pull (empty store)',
  contenderFor(peer, image) {
    const words = (peer.commands.pull ?? peer.commands.pullFloor)?.(image);
    if (words === undefined) return null;
    return {words, prepare: () => peer.reset(), isMemoryWatched: peer.hasDaemon !== true};
  },
};
