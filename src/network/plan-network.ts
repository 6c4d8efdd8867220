import {planHostNetwork} from './host.ts';
import type {NetworkPlan, NetworkRequest, PlanNetwork} from './network.ts';
import {planNoNetwork} from './none.ts';

const DRIVERS: Readonly<Record<'none' | 'host', PlanNetwork>> = {none: planNoNetwork, host: planHostNetwork};

/**
 * Plans a container's network with the driver that `mode` names. Pure.
 *
 * @throws {WinchError} `NETWORK_INVALID`
 */
export const planNetwork = (mode: 'none' | 'host', request: NetworkRequest): NetworkPlan => DRIVERS[mode](request);
