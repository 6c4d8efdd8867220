import type {ContainerOptions} from '../../bundle/container-options.ts';
import {definedMembers} from '../../oci/defined-members.ts';
import {parseDuration} from '../../oci/duration.ts';
import {flag, grouped, type OptionValues, text} from '../arguments/option-table.ts';
import {flagInvalid, flagsConflict, quote} from '../arguments/usage-error.ts';
import {parseInteger} from './number.ts';

/** Flags about how it is checked whether a container does its work. */
export const HEALTH_FLAGS = grouped('Health:', {
  'health-cmd': text('COMMAND', 'What a shell in it runs to see whether it does its work; none: as --no-healthcheck'),
  'health-interval': text('TIME', 'Between two checks (90s, 1m30s)', {defaultsTo: 'as the image says, else 30s'}),
  'health-timeout': text('TIME', 'How long a check may take', {defaultsTo: 'as the image says, else 30s'}),
  'health-retries': text('NUMBER', 'Failures in a row that make it unhealthy', {
    defaultsTo: 'as the image says, else 3',
  }),
  'health-start-period': text('TIME', 'How long failures do not count after a start'),
  'health-start-interval': text('TIME', 'Between two checks in that time', {defaultsTo: 'as the image says, else 5s'}),
  'no-healthcheck': flag('Do not check it, whatever the image says'),
});

type HealthValues = OptionValues<typeof HEALTH_FLAGS>;

const LONGEST_MS = 24 * 86_400_000;

/** @throws {WinchError} `FLAG_INVALID` | `FLAGS_CONFLICT` */
export function parseHealth(values: HealthValues): Pick<ContainerOptions, 'health'> {
  const names = Object.keys(HEALTH_FLAGS).filter((name) => Object.hasOwn(values, name));
  if (names.length === 0) return {};
  const [other] = names.filter((name) => name.startsWith('health-'));
  if (values['no-healthcheck']) {
    if (other === undefined) return {health: 'none'};
    throw flagsConflict(`--no-healthcheck and --${other} exclude one another`, 'leave out one of them');
  }
  if (values['health-cmd'] === 'none') return {health: 'none'};
  return {
    health: definedMembers({
      command: values['health-cmd'],
      intervalMs: parseTime('health-interval', values),
      timeoutMs: parseTime('health-timeout', values),
      retries:
        values['health-retries'] === undefined
          ? undefined
          : parseInteger('--health-retries', values['health-retries'], {minimum: 1}),
      startPeriodMs: parseTime('health-start-period', values),
      startIntervalMs: parseTime('health-start-interval', values),
    }),
  };
}

type DurationFlag = 'health-interval' | 'health-timeout' | 'health-start-period' | 'health-start-interval';

/** As docker, whose 0 is what the image says, else the usual. */
function parseTime(name: DurationFlag, values: HealthValues): number | undefined {
  const word = values[name];
  const milliseconds = word === undefined ? 0 : parseDuration(word);
  if (milliseconds === 0) return undefined;
  if (milliseconds !== null && milliseconds >= 1 && milliseconds <= LONGEST_MS) return milliseconds;
  const fault = `${quote(word ?? '')} is no time from 1ms to 24 days`;
  throw flagInvalid(`--${name}`, fault, `--${name} 30s, 1m30s or 500ms`);
}
