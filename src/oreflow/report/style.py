"""The style sheet of the report: light, printable, no font or file from anywhere."""

STYLE = """
:root { --ink: #1c2126; --muted: #55606b; --rule: #d5dae0; --soft: #f4f6f8; --link: #005a8c; --mark: #fff3c4; }
* { box-sizing: border-box; }
html { scroll-padding-top: 1rem; }
body { margin: 0; color: var(--ink); background: #fff;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", "Liberation Sans", Arial, sans-serif; }
main, header.page, footer { max-width: 1228px; margin: 0 auto; padding: 0 24px; }
header.page { padding-top: 22px; }
h1 { font-size: 27px; line-height: 1.2; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 20px; margin: 44px 0 8px; padding-top: 10px; border-top: 2px solid var(--ink); line-height: 1.25; }
h3 { font-size: 16px; margin: 24px 0 6px; line-height: 1.3; }
h4 { font-size: 14px; margin: 12px 0 2px; }
p { margin: 6px 0; max-width: 78ch; }
.lead { color: var(--muted); margin: 0; max-width: none; }
.facts { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 8px 0 0; padding: 0; list-style: none;
  font-size: 13px; color: var(--muted); }
.facts b { color: var(--ink); font-weight: 600; }
nav { margin: 10px 0 0; font-size: 13px; }
nav ul { display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 0; padding: 0; list-style: none; }
a { color: var(--link); }
a:focus-visible, summary:focus-visible, [tabindex]:focus-visible { outline: 3px solid #D55E00; outline-offset: 2px; }
a.num { color: inherit; text-decoration: underline dotted #8a949e 1px; text-underline-offset: 3px;
  font-variant-numeric: tabular-nums; white-space: nowrap; }
a.num:hover { text-decoration: underline solid var(--link); color: var(--link); }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 24px; top: 6px; background: #fff; padding: 4px 10px; z-index: 2; }
ol.sentences { margin: 14px 0 6px; padding: 0; list-style: none; counter-reset: s; }
ol.sentences li { counter-increment: s; padding-left: 30px; position: relative; line-height: 1.42; margin-bottom: 7px;
  break-inside: avoid; }
ol.sentences li::before { content: counter(s); position: absolute; left: 0; top: 1px; width: 20px; height: 20px;
  border-radius: 50%; background: var(--ink); color: #fff; font-size: 12px; line-height: 20px; text-align: center; }
ol.sentences .num { font-weight: 600; white-space: normal; }
ol.sentences .name { font-weight: 600; }
figure h3 { margin: 12px 0 0; font-size: 14.5px; }
figure h3 small { display: block; font-weight: 400; font-size: 12.5px; color: var(--muted); }
.first h2 { margin-top: 18px; }
figure { margin: 6px 0 10px; break-inside: avoid; }
figcaption { font-size: 13px; color: var(--muted); max-width: none; }
.key { display: inline-block; width: 26px; height: 11px; vertical-align: -1px; margin: 0 4px 0 10px; }
.scroll { overflow-x: auto; }
svg { display: block; width: 100%; height: auto; font: 13px system-ui, -apple-system, "Segoe UI", "Helvetica Neue",
  "Liberation Sans", Arial, sans-serif; fill: var(--ink); }
svg.waterfall { min-width: 860px; }
svg .panel { font-weight: 600; font-size: 14.5px; }
svg .small, svg .tick { font-size: 12px; fill: var(--muted); }
svg .value { font-weight: 600; font-variant-numeric: tabular-nums; }
svg .end { font-size: 12px; font-weight: 600; }
svg a.num { fill: var(--ink); text-decoration: underline dotted; }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 500px), 1fr)); gap: 18px 28px; }
table { border-collapse: collapse; font-size: 13.5px; width: 100%; margin: 6px 0; }
caption { text-align: left; font-size: 13px; color: var(--muted); padding: 0 0 5px; }
th, td { text-align: left; vertical-align: top; padding: 5px 12px 5px 0; border-bottom: 1px solid var(--rule); }
thead th.n { white-space: normal; }
thead th { border-bottom: 1.5px solid var(--ink); font-size: 12.5px; line-height: 1.3; vertical-align: bottom; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td .range { display: block; color: var(--muted); font-size: 12px; }
tbody th { font-weight: 600; }
td.words { min-width: 148px; line-height: 1.35; }
table.wide { font-size: 13px; }
table.wide th, table.wide td { padding-right: 9px; }
.scroll > table > tbody > tr > :last-child, .scroll > table > thead > tr > :last-child { padding-right: 0; }
tr:target, li:target, section:target > h3, h3:target { background: var(--mark); }
details { margin: 6px 0; }
summary { cursor: pointer; color: var(--link); font-size: 13.5px; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 360px), 1fr)); gap: 18px; }
.card { border: 1px solid var(--rule); border-radius: 6px; padding: 12px 16px 14px; break-inside: avoid; }
.card h3 { margin: 0 0 2px; }
.card .title { color: var(--muted); margin: 0 0 6px; }
.card ul { margin: 0 0 4px; padding-left: 18px; }
.note { background: var(--soft); border-left: 4px solid #0072B2; padding: 9px 14px; margin: 12px 0; }
.verdict { font-weight: 600; white-space: nowrap; }
.grade { font-weight: 600; }
code { font: 12.5px ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
.evidence table { font-size: 12.5px; table-layout: fixed; }
.evidence td { overflow-wrap: anywhere; }
footer { margin-top: 40px; padding-top: 12px; padding-bottom: 30px; color: var(--muted); font-size: 13px; }
@media (min-width: 1000px) {
  ol.sentences { columns: 2; column-gap: 36px; }
}
@media print {
  @page { size: A4; margin: 14mm 12mm; }
  body { font-size: 9.5pt; }
  nav, .skip { display: none; }
  main, header.page, footer { max-width: none; padding: 0; }
  details > *:not(summary) { display: revert; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; }
  .scroll { overflow: visible; }
  svg.waterfall { min-width: 0; }
  a.num { text-decoration: none; }
  tr, li, .card { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  table { font-size: 8pt; }
  thead { display: table-header-group; }
}
"""
