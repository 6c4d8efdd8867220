import type {Scenario} from './scenario.ts';

export const fetch: Scenario = {
  name: 'fetch',
  title: 'cold download (blobs only, nothing unpacked or synced)',
  contenderFor(peer, image) {
    const words = peer.commands.fetch?.(image);
    return words === undefined ? null : {words, prepare: () => peer.reset(), isMemoryWatched: true};
  },
};
