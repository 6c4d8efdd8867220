import type {UserRights} from '../../containers/diagnose-user.ts';
import {isWinchError} from '../../errors.ts';
import {choice} from '../arguments/option-table.ts';
import {type CommandContext, defineCommand} from '../command.ts';
import {EXIT_MISSING} from '../exit-codes.ts';
import {renderDiagnosis} from '../render/diagnosis.ts';
import {safeJson} from '../render/safe-text.ts';

/** `winch doctor` */
export const doctorCommand = defineCommand({
  name: 'doctor',
  summary: 'Show what running images needs here, and how to get the rest',
  description: 'Ends with 0 when images can be run, else with 1.',
  positionals: {usage: '', minimum: 0, maximum: 0},
  options: {format: choice(['json'], 'Print JSON', {short: 'f'})},
  examples: [
    ['winch doctor', 'For reading'],
    ['winch doctor --format json', 'For programs'],
  ],
  handle: async ({values}, context) => {
    const user = await findUser(context);
    const toolkit = await context.openToolkit();
    const diagnosis = await toolkit.diagnose({user});
    context.print(values.format === undefined ? renderDiagnosis(diagnosis) : safeJson(diagnosis, 2));
    return diagnosis.canRun ? 0 : EXIT_MISSING;
  },
});

/** Not root: goes on as root of a user namespace, as a run would, where there can be one. */
async function findUser(context: CommandContext): Promise<UserRights | null> {
  const uid = context.environment.userId;
  if (uid === 0) return null;
  try {
    await context.becomeRoot();
    return {uid, denial: null};
  } catch (error) {
    if (!isWinchError(error, 'USER_NAMESPACE_DENIED')) throw error;
    const {remedy} = error.details;
    return {
      uid,
      denial: {reason: error.message, remedy: typeof remedy === 'string' ? `sudo ${remedy}` : null},
    };
  }
}
