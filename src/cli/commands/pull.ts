import type {PlanOptions, PullPlan} from '../../images/plan-pull.ts';
import type {Toolkit} from '../../toolkit.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {PULL_FLAGS, parsePullFlags} from '../options/pull.ts';
import {parseRegistryFlags, REGISTRY_FLAGS} from '../options/registry.ts';
import {safeJson} from '../render/safe-text.ts';

/** `winch pull` */
export const pullCommand = defineCommand({
  name: 'pull',
  summary: 'Download images into the store',
  description:
    'Prints the digest of each, in the order given. What the store has already is not downloaded again. One that fails does not stop the others.',
  positionals: {usage: 'IMAGE...', minimum: 1},
  options: {...PULL_FLAGS, ...REGISTRY_FLAGS},
  examples: [
    ['winch pull alpine', 'From Docker Hub, the tag "latest"'],
    ['winch pull ghcr.io/org/app:1.4 alpine:3.20', 'Several, from any registry'],
    ['winch pull --platform linux/arm64 node:22', 'For another platform'],
    ['winch pull --all-platforms --download-only node:22', 'For all of them, to be unpacked when used'],
    ['winch pull -a ghcr.io/org/app', 'Every tag'],
    ['winch pull --plan node:22', 'How much that would be'],
    ['winch pull --progress json -q alpine', 'For scripts: JSON lines on standard error'],
  ],
  handle: async ({values, positionals}, context) => {
    const toolkit = await context.openToolkit({references: positionals, registry: parseRegistryFlags(values)});
    const {signal, onEvent} = context;
    const options = {...parsePullFlags(values), signal, onEvent};
    if (values.plan)
      return await printPlans(toolkit, {references: positionals, options, format: values.format}, context);
    const failures: unknown[] = [];
    for await (const outcome of toolkit.images.pullEach(positionals, options)) {
      if ('pulled' in outcome) context.print(outcome.pulled.digest);
      else failures.push(outcome.error);
    }
    throwAll(failures);
    return 0;
  },
});

interface PlanRequest {
  readonly references: readonly string[];
  readonly options: PlanOptions;
  readonly format: 'json' | undefined;
}

async function printPlans({images}: Toolkit, {references, options, format}: PlanRequest, {print}: CommandContext) {
  const {renderPlan} = await import('../render/pull-plan.ts');
  const plans: PullPlan[] = [];
  const failures: unknown[] = [];
  for (const reference of references) {
    try {
      const plan = await images.plan(reference, options);
      plans.push(plan);
      if (format !== 'json') print(renderPlan(plan));
    } catch (error) {
      failures.push(error);
    }
  }
  if (format === 'json') print(safeJson(plans, 2));
  throwAll(failures);
  return 0;
}

/** One failure is thrown as it is. */
function throwAll(failures: readonly unknown[]): void {
  if (failures.length > 0) throw failures.length > 1 ? new AggregateError(failures) : failures[0];
}
