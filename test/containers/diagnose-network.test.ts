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

  test('names what somebody else than root lacks for them', () => {
    const {state, detail, remedy} = diagnoseNetwork({uid: 1000, denial: null});
    const installed = ['pasta', 'slirp4netns'].find((program) => findProgram(program) !== null);
    assert.is(state === 'ok', remedy === null);
    if (installed === undefined) assert.is(remedy, 'sudo apt-get install passt');
    else if (state === 'ok') assert.match(detail, installed);
    else assert.match(remedy ?? '', '/dev/net/tun');
  });
});
