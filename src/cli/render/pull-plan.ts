import type {PlannedLayer, PlannedSource, PullPlan} from '../../images/plan-pull.ts';
import {humanBytes, shortDigest} from './human.ts';
import {safeText} from './safe-text.ts';
import {renderTable} from './table.ts';

/** A plan for people: what each layer costs, and what that adds up to. */
export function renderPlan(plan: PullPlan): string {
  const rows = plan.layers.map((layer) => [shortDigest(layer.digest), humanBytes(layer.size), describeState(layer)]);
  const facts = [
    [plan.reference, plan.digest],
    ['platform', plan.platforms.join(', ') || 'none'],
    ['from', plan.sources.map(describeSource).join(', then ')],
    ['login', plan.login ? `${plan.login.username ?? plan.login.kind} (${plan.login.source})` : 'none'],
    ...(plan.rateLimit ? [['pulls left', describeQuota(plan.rateLimit)]] : []),
    ['to fetch', humanBytes(plan.bytesToFetch)],
    ['reused', humanBytes(plan.bytesReused)],
    ['disk', `${plan.isDiskEstimated ? 'about ' : ''}${humanBytes(plan.diskBytes)}`],
  ];
  const lines = facts.map(([name = '', fact = '']) => `${safeText(name)}: ${safeText(fact)}`);
  return [...lines, renderTable(['LAYER', 'SIZE', 'STATE'], rows)].join('\n');
}

function describeState({state, storedBytes}: PlannedLayer): string {
  if (state === 'missing') return 'to fetch';
  if (state === 'present') return 'present';
  const stored = humanBytes(storedBytes);
  return state === 'partial' ? `${stored} are here` : `being fetched, ${stored} are here`;
}

const describeSource = ({host, isMirror, file}: PlannedSource): string =>
  `${host}${isMirror ? ` (mirror, ${file ?? 'by default'})` : ''}`;

function describeQuota({limit, remaining, windowSeconds}: NonNullable<PullPlan['rateLimit']>): string {
  const window = windowSeconds === null ? '' : ` in ${Math.round(windowSeconds / 60)} minutes`;
  return `${remaining ?? 'an unknown number'} of ${limit}${window}`;
}
