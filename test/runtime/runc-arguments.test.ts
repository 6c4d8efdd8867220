import * as assert from 'uvu/assert';
import {deleteArguments, killArguments, runArguments} from '../../src/runtime/runc-arguments.ts';
import {describe} from '../helpers/suite.ts';

describe('runtime/runc-arguments', ({test}) => {
  test('global flags come before the command, the id last', () => {
    const run = runArguments({root: '/state', log: '/log'}, {id: 'id', bundle: '/bundle', keep: false});
    assert.is(run.join(' '), '--root /state --log /log --log-format json run --bundle /bundle id');
    const keep = runArguments({root: '/state'}, {id: 'id', bundle: '/bundle', keep: true});
    assert.is(keep.join(' '), '--root /state run --bundle /bundle --keep id');
  });

  test('kills by signal and deletes by force', () => {
    assert.is(killArguments({root: '/state'}, 'id', 'KILL').join(' '), '--root /state kill id KILL');
    assert.is(deleteArguments({root: '/state'}, 'id').join(' '), '--root /state delete --force id');
  });
});
