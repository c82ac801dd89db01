"""Colours and layout of the report: light, dark, and print. No font, script or picture from elsewhere."""

from __future__ import annotations

__all__ = ["PALETTE", "STYLE"]

_LIGHT = (
    "--page:#f6f7f9;--surface:#ffffff;--ink:#1b2430;--muted:#5d6878;--line:#d9dee6;--accent:#2f6fd0;"
    "--plus:#2f6fd0;--minus:#c4620e;--zero:#e3e7ed;--good:#1c7c46;--good-bg:#e2f4e9;--bad:#b3261e;--bad-bg:#fbe6e4;"
    "--bar:#2f6fd0;--bar2:#7f9fd6;--bar3:#b7c9ea;--code:#eef1f5;--on-colour:#ffffff;"
)
_DARK = (
    "--page:#12161c;--surface:#1a2029;--ink:#e4e9f0;--muted:#98a4b5;--line:#313a47;--accent:#7fb0ff;"
    "--plus:#6aa5ff;--minus:#f0994a;--zero:#2c3542;--good:#6fd39a;--good-bg:#173425;--bad:#ff9a92;--bad-bg:#43201e;"
    "--bar:#6aa5ff;--bar2:#4873b5;--bar3:#33507d;--code:#232b36;--on-colour:#10151c;"
)

PALETTE = f":root{{{_LIGHT}}}@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}"
"""Custom properties that every colour refers to."""

_PAGE = """
*{box-sizing:border-box}
html{color-scheme:light dark;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--page);color:var(--ink)}
body{font:15px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1020px;margin:0 auto;padding:36px 24px 64px}
header h1{font-size:30px;line-height:1.2;margin:0 0 6px;letter-spacing:-.01em}
header p{margin:0;color:var(--muted)}
h2{font-size:20px;margin:0 0 4px}
h3{font-size:15px;margin:22px 0 6px}
section,.tile{background:var(--surface);border:1px solid var(--line);border-radius:12px}
section{padding:22px 24px;margin:20px 0}
section>p{max-width:78ch;margin:6px 0 12px;color:var(--muted)}
a{color:var(--accent)}
nav{margin:18px 0 0;display:flex;flex-wrap:wrap;gap:4px 16px;font-size:14px}
nav a{text-decoration:none}
nav a:hover{text-decoration:underline}
.verdict{display:flex;gap:12px;align-items:center;border-radius:12px;padding:14px 18px}
.verdict{margin:20px 0;font-weight:600}
.verdict svg{flex:none}
.verdict small{display:block;font-weight:400;font-size:14px}
.equal{background:var(--good-bg);color:var(--good)}
.different{background:var(--bad-bg);color:var(--bad)}
.unproven{background:var(--code);color:var(--muted)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(146px,1fr));gap:12px;margin:20px 0}
.tile{padding:14px}
.tile b{display:block;font-size:21px;line-height:1.25;font-weight:650;font-variant-numeric:tabular-nums}
.tile span{display:block;color:var(--muted);font-size:13px;line-height:1.4}
.tile .name{color:var(--ink);font-weight:600}
figure{margin:14px 0 6px}
figcaption{font-weight:600;margin:0 0 6px}
figure p{color:var(--muted);font-size:13px;margin:6px 0 0;max-width:95ch}
.scroll{overflow-x:auto}
.picture svg{display:block;max-width:100%;height:auto}
svg text{font-family:inherit}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:6px 12px 6px 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--muted);font-weight:600;font-size:13px;white-space:nowrap}
th:last-child,td:last-child{padding-right:0}
.n{text-align:right;white-space:nowrap}
.n+:not(.n){padding-left:16px}
.tile .name,.tile b{white-space:nowrap}
.sum td{font-weight:650;border-bottom:0;border-top:1px solid var(--muted)}
.sum+.sum td{border-top:0;padding-top:0;font-weight:400;color:var(--muted)}
th.sortable{cursor:pointer}
th.sortable:hover,th[aria-sort]{color:var(--ink)}
th[aria-sort=ascending]::after{content:" ↑"}
th[aria-sort=descending]::after{content:" ↓"}
.unknown{color:var(--muted);font-style:italic}
.kernels{display:flex;flex-wrap:wrap;gap:18px 28px;align-items:flex-end}
.key{display:flex;gap:16px;font-size:13px;color:var(--muted);margin:4px 0 10px}
.key i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:6px;vertical-align:-1px}
pre{background:var(--code);border-radius:8px;padding:12px 14px;overflow-x:auto}
pre{font:13px/1.5 ui-monospace,Menlo,monospace}
footer{color:var(--muted);font-size:13px}
@media (max-width:640px){main{padding:20px 12px 40px}section{padding:16px}.picture svg{max-width:none}
td:not(.n){min-width:96px}}
"""

# On paper: light colours whatever the screen wears, no navigation, no picture cut in two.
_PRINT = (
    f"@media print{{:root{{{_LIGHT}--page:#fff}}html{{color-scheme:light}}body{{font-size:11pt}}"
    "nav{display:none}"
    "main{max-width:none;padding:0}section{border:0;padding:0;break-inside:auto}"
    "figure,.tile,.verdict,tr{break-inside:avoid}h2,h3{break-after:avoid}"
    "*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}"
)

STYLE = PALETTE + _PAGE.replace("\n", "") + _PRINT
"""The style sheet of the page."""
