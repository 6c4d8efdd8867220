import * as assert from 'uvu/assert';
import {diagnoseNetwork} from '../../src/containers/diagnose-network.ts';
import {findProgram} from '../helpers/requires.ts';
import {describe} from '../helpers/suite.ts';

const NEEDED = ['host-local', 'iptables-restore', 'ip'];

describe('containers/diagnose-network', ({test}) => {
  test('names what networks lack, or that nothing is', () => {
    const {state, remedy} = diagnoseNetwork(null);
    const isComplete = NEEDED.every((program) => findProgram(program) !== null);
    assert.is(state, isComplete ? 'ok' : 'limited');
    assert.is(remedy?.startsWith('apt-get install ') ?? false, !isComplete);
  });

  test('tells somebody else than root that they are not for them', () => {
    const user = {hasSubordinateIds: true} as unknown as Parameters<typeof diagnoseNetwork>[0];
    assert.equal(diagnoseNetwork(user).state, 'limited');
  });
});
