import type { People } from '../../config/peopleSchema.js';

/**
 * The key holders as the plan's 5.3 has them: a table in Markdown, without telephone numbers, since pages
 * travel further than lockstep.yaml does. Pure.
 *
 * @returns Lines joined by newlines, without one at the end; where nobody is named, a sentence that says so.
 */
export function renderKeyHolders({ keyHolders }: Pick<People, 'keyHolders'>): string {
  if (keyHolders.length === 0) return 'Nobody is named yet: see `people.keyHolders` in lockstep.yaml.';
  const rows = keyHolders.map(({ name, role, operational, recovery, mfa }) => [name, role, ...[operational, recovery, mfa].map(sign)]);
  return ['| Name | Role | Operational | Recovery | MFA |', '|---|---|---|---|---|', ...rows.map((cells) => `| ${cells.map(escape).join(' | ')} |`)].join('\n');
}

function sign(yes: boolean): string {
  return yes ? '✅' : '❌';
}

function escape(cell: string): string {
  return cell.replaceAll(/[\\|<>`*_[\]]/g, String.raw`\$&`);
}
