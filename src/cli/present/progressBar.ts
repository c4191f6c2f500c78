import stringWidth from 'string-width';
import { formatBytes, formatCount, formatSeconds } from '../../contract/facts.js';
import type { Progress } from '../../contract/status.js';
import { wrapText } from './text.js';
import type { Theme } from './theme.js';

const longestBar = 40;
const shortestBar = 10;

/**
 * A bar with what is done, the rate and the time left; without a total only figures, and without
 * figures only the phase.
 *
 * @param width - Columns.
 */
export function renderProgress({ phase, done, total, unit, rate }: Progress, width: number, theme: Theme): string[] {
  const format = (amount: number): string => {
    if (unit === 'bytes') return formatBytes(amount);
    if (unit === 'seconds') return formatSeconds(amount);
    return `${formatCount(Math.round(amount))}${unit === undefined ? '' : ` ${unit}`}`;
  };
  const dimLines = (text: string): string[] => wrapText(theme.dim(text), width);
  if (done === undefined) return dimLines(phase);
  const rateWords = rate === undefined || unit === 'seconds' ? [] : [`${format(rate)}/s`];
  if (total === undefined || total <= 0) return dimLines([phase, format(done), ...rateWords].join('  '));

  const part = Math.min(1, Math.max(0, done / total));
  const perSecond = unit === 'seconds' ? 1 : rate;
  const left = perSecond === undefined || perSecond <= 0 ? [] : [`${formatSeconds((total - done) / perSecond)} left`];
  const words = [`${String(Math.floor(part * 100)).padStart(3)} %`, `${format(done)} of ${format(total)}`, ...rateWords, ...left].join('  ');
  const bar = (barWidth: number): string => {
    const filled = Math.round(part * barWidth);
    return `${theme.accent('█'.repeat(filled))}${theme.dim('░'.repeat(barWidth - filled))}`;
  };
  const room = width - words.length - 2;
  const roomBesidePhase = room - stringWidth(phase) - 2;
  if (roomBesidePhase >= shortestBar) return [`${theme.dim(phase)}  ${bar(Math.min(longestBar, roomBesidePhase))}  ${words}`];
  if (room >= shortestBar) return [...dimLines(phase), `${bar(Math.min(longestBar, room))}  ${words}`];
  return [...dimLines(phase), ...wrapText(words, width)];
}
