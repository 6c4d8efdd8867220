import * as assert from 'uvu/assert';
import {formatRows, formatValue} from '../../../src/cli/render/format.ts';
import {compileTemplate} from '../../../src/cli/render/template.ts';
import {describe} from '../../helpers/suite.ts';
import {messageOf} from '../message-of.ts';

const DATA = {
  Id: 'sha256:1',
  Config: {Env: ['A=b', 'C=d'], Labels: {'some.key': 'v', 'a"b': 'q'}, User: null},
  Size: 5,
  Evil: 'a\x1b[2J\nb',
};

describe('cli/render/template', ({test}) => {
  const good: readonly (readonly [string, string])[] = [
    ['plain', 'plain'],
    ['{{.Id}}', 'sha256:1'],
    ['{{ .Id }}\\t{{.Size}}\\n', 'sha256:1\t5\n'],
    ['{{.Config.Env}}', '["A=b","C=d"]'],
    ['{{json .Config.Env}}', '["A=b","C=d"]'],
    ['{{json .Id}}', '"sha256:1"'],
    ['{{json .}}', JSON.stringify(DATA)],
    ['{{join .Config.Env ", "}}', 'A=b, C=d'],
    ['{{index .Config.Env 1}}', 'C=d'],
    ['{{index .Config.Labels "some.key"}}', 'v'],
    ['{{index .Config.Labels "a\\"b"}}', 'q'],
    ['{{index .Config.Labels "absent"}}', ''],
    ['{{.Config.User}}', ''],
    ['{{.Evil}}', 'a\\x1b[2J\\x0ab'],
  ];
  for (const [template, text] of good) {
    test(`renders ${template}`, () => assert.is(compileTemplate(template)(DATA), text));
  }

  const bad: readonly (readonly [string, string])[] = [
    ['{{range .Config.Env}}', '{{range .Config.Env}} is not understood'],
    ['{{.Id | upper}}', 'is not understood'],
    ['{{join .Config.Env}}', 'is not understood'],
    ['{{index .Config.Env "\\q"}}', 'is not understood'],
    ['{{}}', 'is not understood'],
    ['{{.Nope}}', 'there is no field .Nope: there are Id, Config'],
    ['{{.constructor}}', 'there is no field .constructor'],
    ['{{.Size.Of}}', 'there is no field .Of: its parent is a plain value'],
  ];
  for (const [template, problem] of bad) {
    test(`refuses ${template}`, () => {
      assert.match(
        messageOf(() => compileTemplate(template)(DATA)),
        'FORMAT_INVALID: --format: ',
      );
      assert.match(
        messageOf(() => compileTemplate(template)(DATA)),
        problem,
      );
    });
  }
});

describe('cli/render/format', ({test}) => {
  const view = {
    headings: {Name: 'NAME', Size: 'SIZE'},
    defaultColumns: ['Name', 'Size'],
    rows: [
      {Name: 'a', Size: '1MB'},
      {Name: 'longer', Size: '2kB'},
    ],
    data: [{name: 'a'}],
  };

  test('prints the default table', () => {
    assert.is(formatRows(view, undefined), 'NAME     SIZE\na        1MB\nlonger   2kB');
    assert.is(formatRows(view, 'table'), formatRows(view, undefined));
  });

  test('prints a table of chosen columns', () => {
    assert.is(formatRows(view, 'table {{.Size}}\\t{{.Name}}'), 'SIZE   NAME\n1MB    a\n2kB    longer');
  });

  test('prints a template for each row', () => assert.is(formatRows(view, '{{.Name}}!'), 'a!\nlonger!'));

  test('prints the data as JSON', () => assert.equal(JSON.parse(formatRows(view, 'json')), view.data));

  test('finds a missing field even without rows', () => {
    assert.match(
      messageOf(() => formatRows({...view, rows: []}, '{{.Nope}}')),
      'there is no field .Nope',
    );
  });

  test('prints one value', () => {
    assert.is(formatValue({A: 1}, '{{.A}}'), '1');
    assert.is(formatValue({A: 1}, 'json'), '{\n  "A": 1\n}');
  });
});
