import { renderSVG } from 'uqr';
import type { Sheet } from './sheet.js';

/** Sheets as one page of HTML that needs nothing else, and prints each on a paper of its own (A4). */
export function renderSheetPage(sheets: readonly Sheet[]): string {
  // A browser prints the document's title on each paper, beside the sheet's own.
  const title = sheets.length === 1 ? (sheets[0]?.title ?? '') : 'Shares of a recovery passphrase';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
</head>
<body>
${sheets.map(renderSheet).join('\n')}
</body>
</html>
`;
}

function renderSheet({ title, purpose, facts, lines, below, scanned, scannedIs }: Sheet): string {
  return `<section>
<h1>${escapeHtml(title)}</h1>
${purpose.map(paragraph).join('\n')}
<table class="facts">
${facts.map(([label, value]) => `<tr><th>${escapeHtml(label)}</th><td>${escapeHtml(value)}</td></tr>`).join('\n')}
</table>
<table class="secret">
<tr><th></th><th>line</th><th>code</th></tr>
${lines.map(({ text, code }, index) => `<tr><td class="number">${index + 1}</td><td class="text">${escapeHtml(text)}</td><td class="code">${code}</td></tr>`).join('\n')}
</table>
${below.map(paragraph).join('\n')}
<div class="scanned">${renderSVG(scanned, { ecc: 'M', border: 2 })}<p>${escapeHtml(scannedIs)}</p></div>
<table class="witnesses">
<tr><th></th><th>name</th><th>photo ID checked</th><th>date, time</th><th>signature</th></tr>
<tr><th>sealed by</th><td></td><td></td><td></td><td></td></tr>
<tr><th>witness 1, at the opening</th><td></td><td></td><td></td><td></td></tr>
<tr><th>witness 2, at the opening</th><td></td><td></td><td></td><td></td></tr>
</table>
</section>`;
}

function paragraph(text: string): string {
  return `<p>${escapeHtml(text)}</p>`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}

const style = `
@page { size: A4; margin: 13mm; }
body { font: 10pt/1.35 "DejaVu Sans", Verdana, sans-serif; color: #000; background: #fff; margin: 0 auto; max-width: 184mm; }
section { break-after: page; padding: 2mm 0; }
section:last-child { break-after: auto; }
h1 { font-size: 16pt; margin: 0 0 3mm; border-bottom: 2px solid #000; padding-bottom: 2mm; }
p { margin: 0 0 2.2mm; }
table { border-collapse: collapse; width: 100%; margin: 3mm 0; }
.facts th { text-align: left; width: 38mm; font-weight: normal; color: #333; }
.facts td { border-bottom: 1px solid #999; height: 5mm; }
.secret { border: 2px solid #000; break-inside: avoid; }
.secret th { text-align: left; font-size: 8.5pt; font-weight: normal; color: #333; padding: 1mm 3mm 0; }
.secret td { padding: 1.2mm 3mm; font: 14pt/1.3 "DejaVu Sans Mono", "Courier New", monospace; }
.secret .number { width: 8mm; font-size: 9pt; color: #333; }
.secret .text { font-weight: bold; white-space: pre-wrap; }
.secret .code { width: 22mm; border-left: 1px solid #999; }
.scanned { display: flex; align-items: center; gap: 6mm; break-inside: avoid; margin: 3mm 0; }
.scanned svg { width: 38mm; height: 38mm; flex: none; }
.witnesses { break-inside: avoid; font-size: 9pt; }
.witnesses th { text-align: left; font-weight: normal; border: 1px solid #999; padding: 1mm 2mm; width: 34mm; }
.witnesses td { border: 1px solid #999; height: 9mm; }
@media screen { body { padding: 8mm; } section { border-bottom: 1px dashed #999; margin-bottom: 10mm; } }
`;
