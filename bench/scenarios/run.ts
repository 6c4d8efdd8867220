import {load, type Scenario} from './scenario.ts';

export const run: Scenario = {
  name: 'run',
  title: 'run --rm --network none IMAGE true (image present)',
  contenderFor(peer, image) {
    const words = peer.commands.run?.(image);
    return words === undefined ? null : {words, setUp: () => load(peer, image)};
  },
};
