import * as assert from 'uvu/assert';
import {type ReportHead, type ReportSection, renderHead, renderJson, renderSection} from '../../bench/report.ts';
import {describe} from '../helpers/suite.ts';

const section: ReportSection = {
  scenario: 'pull',
  title: 'cold pull',
  image: 'base',
  measurements: [
    {name: 'winch', runs: [900, 1000], median: 950, min: 900, max: 1000, ratio: 1, peakBytes: 151_000_000},
    {name: 'docker', runs: [1900, 1900], median: 1900, min: 1900, max: 1900, ratio: 2},
  ],
  failures: [{name: 'ctr', reason: `${'x'.repeat(300)} no route`}],
  goals: [{name: 'times as fast as docker', value: 1.996, wanted: 2.5, isReached: false}],
};
const head: ReportHead = {
  machine: {node: 'v26.0.0', cores: 2},
  runs: 2,
  peers: [{name: 'winch', version: '1.0.0'}],
  absent: [{name: 'podman', reason: 'not installed'}],
};

describe('bench/report', ({test}) => {
  test('shows seconds, ratios and known peaks in columns', () => {
    assert.equal(renderSection(section).split('\n').slice(1, 5), [
      'cold pull · base',
      '              median s       min       max     ratio   peak MB',
      'winch            0.950     0.900     1.000      1.00       151',
      'docker           1.900     1.900     1.900      2.00',
    ]);
  });

  test('has no column for peaks that nobody watched', () => {
    const unwatched = {...section, measurements: section.measurements.slice(1)};
    assert.not.match(renderSection(unwatched), /peak/);
  });

  test('says which goals were reached', () => {
    assert.match(renderSection(section), /^goal {8}2\.00 times as fast as docker \(2\.50\): missed$/m);
  });

  test('keeps the end of a long reason', () => {
    assert.match(renderSection(section), /^ctr {9}failed: …x+ no route$/m);
  });

  test('names who takes part, and who does not and why', () => {
    assert.match(renderHead(head), /^winch {7}1\.0\.0$/m);
    assert.match(renderHead(head), /^podman {6}takes no part: not installed$/m);
  });

  test('gives machines everything', () => {
    assert.equal(JSON.parse(renderJson(head, [section])), {...head, sections: [section]});
  });
});
