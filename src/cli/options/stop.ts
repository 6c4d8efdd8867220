import {type OptionValues, text} from '../arguments/option-table.ts';
import {parseInteger} from './number.ts';

const RANGE = {minimum: -1, maximum: 10 * 86_400};

/** Flags of commands that stop containers. */
export const STOP_FLAGS = {
  time: text('SECONDS', 'How long to wait before killing; -1: for ever', {
    short: 't',
    aliases: ['timeout'],
    defaultsTo: 'as the container was made with, else 10',
  }),
};

/** @throws {WinchError} `FLAG_INVALID` */
export const parseStopTime = ({time}: OptionValues<typeof STOP_FLAGS>): number | undefined =>
  parseStopSeconds('--time', time);

/** @throws {WinchError} `FLAG_INVALID` */
export const parseStopSeconds = (flag: string, seconds: string | undefined): number | undefined =>
  seconds === undefined ? undefined : parseInteger(flag, seconds, RANGE);
