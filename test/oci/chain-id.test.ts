import * as assert from 'uvu/assert';

import {chainIds} from '../../src/oci/chain-id.ts';
import {digestOf} from '../../src/oci/digest.ts';
import {describe} from '../helpers/suite.ts';

describe('oci/chain-id', ({test}) => {
  const [base, middle, top] = ['base', 'middle', 'top'].map((text) => digestOf(Buffer.from(text))) as [
    `sha256:${string}`,
    `sha256:${string}`,
    `sha256:${string}`,
  ];

  test('is the diff id itself for one layer', () => assert.equal(chainIds([base]), [base]));

  test('hashes the parent and the diff id with one blank between', () => {
    const second = digestOf(Buffer.from(`${base} ${middle}`));
    assert.equal(chainIds([base, middle, top]), [base, second, digestOf(Buffer.from(`${second} ${top}`))]);
  });

  test('depends on the order', () => {
    assert.is.not(chainIds([base, middle]).at(-1), chainIds([middle, base]).at(-1));
  });

  test('equals what printf and sha256sum compute', () => {
    const diffIds = [
      'sha256:29d6695025745d89f27c24e62f33aeaa54f4d6ed4335579459ba27bf4a52fa39',
      'sha256:3c8bdabf99e4ca1adf94195fa8f4785e26b88c745874e6bc3953bfff52e7ac0e',
    ] as const;
    assert.is(chainIds(diffIds).at(-1), 'sha256:98bd7011697398272e7600f2dcb08c7e0e0d398e2a952c3855778a00217c7b1d');
  });

  test('is empty without layers', () => assert.equal(chainIds([]), []));
});
