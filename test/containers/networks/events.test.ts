import * as assert from 'uvu/assert';
import {describe} from '../../helpers/suite.ts';
import {openKeptStore} from '../kept/kept-store.ts';
import {networkSkip as skip} from './network-lab.ts';

describe('containers/networks/events', ({test}) => {
  test(
    'tells of networks, and of who joins and leaves them',
    async () => {
      await using store = await openKeptStore();
      const {containers, networks, events} = store.toolkit;
      const front = await networks.create({name: 'front'});
      const back = await networks.create({name: 'back'});
      const container = {network: {networks: [{name: 'front'}]}};
      const id = await store.start('sleep 600', {name: 'web', container});
      await networks.connect(id, {name: 'back'});
      await networks.disconnect(id, 'back');
      await containers.stop(id, {timeoutSeconds: 0});
      await containers.remove(id);
      await networks.remove('front');
      await networks.prune();
      const told: unknown[] = [];
      const options = {since: new Date(0), until: new Date(), filters: {type: ['network']}};
      for await (const {Action, Actor} of events(options)) told.push([Action, Actor.ID, Actor.Attributes.container]);
      assert.equal(told, [
        ['create', front, undefined],
        ['create', back, undefined],
        ['connect', front, id],
        ['connect', back, id],
        ['disconnect', back, id],
        ['disconnect', front, id],
        ['destroy', front, undefined],
        ['destroy', back, undefined],
      ]);
    },
    {skip, timeoutMs: 240_000},
  );
});
