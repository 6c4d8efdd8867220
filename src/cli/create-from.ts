import type {CreateRequest} from '../containers/kept/create-container.ts';
import type {Toolkit} from '../toolkit.ts';
import type {OptionValues} from './arguments/option-table.ts';
import {becomeRootToMake} from './become-root-for.ts';
import {openCidFile} from './cid-file.ts';
import type {CommandContext} from './command.ts';
import type {CREATE_FLAGS} from './options/create-request.ts';
import {parseRegistryFlags} from './options/registry.ts';
import {remarkOnLabels} from './options/volume.ts';

/** Makes a container as the flags of `create` and `run` say, and writes its id where they want it. */
export async function createFrom(
  request: CreateRequest,
  values: OptionValues<typeof CREATE_FLAGS>,
  context: CommandContext,
): Promise<{readonly toolkit: Toolkit; readonly id: string}> {
  const {signal, onEvent} = context;
  await becomeRootToMake(request.container ?? {}, context);
  remarkOnLabels(values, context.remark);
  using cidFile = openCidFile(values.cidfile, context.environment);
  const toolkit = await context.openToolkit({references: [request.image], registry: parseRegistryFlags(values)});
  const id = await toolkit.containers.create(request, {signal, onEvent});
  cidFile.write(id);
  return {toolkit, id};
}
