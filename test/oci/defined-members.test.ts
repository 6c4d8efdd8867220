import * as assert from 'uvu/assert';

import {definedMembers} from '../../src/oci/defined-members.ts';
import {describe} from '../helpers/suite.ts';

describe('oci/defined-members', ({test}) => {
  test('drops undefined members and keeps every other empty value', () => {
    const kept = definedMembers({a: undefined, b: null, c: 0, d: '', e: false});
    assert.equal(Object.entries(kept), Object.entries({b: null, c: 0, d: '', e: false}));
  });
});
