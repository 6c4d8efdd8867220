import {coldPull} from './cold-pull.ts';
import {fetch} from './fetch.ts';
import {remove} from './remove.ts';
import {run} from './run.ts';
import type {Scenario} from './scenario.ts';
import {startUp} from './start-up.ts';
import {unpack} from './unpack.ts';
import {warmPull} from './warm-pull.ts';

/** Every scenario, in the order of a report. */
export const SCENARIOS: readonly Scenario[] = [startUp, coldPull, fetch, warmPull, run, unpack, remove];
