/** What the panel adds to the banner's look. A table's cells break wherever they must: nothing of a visitor's data is clipped. */
export const css = `dialog::backdrop{background:#0008}.panel{inset:0;width:min(48em,100% - 2em);font-size:max(12px,.94em);max-height:min(46em,100% - 2em)}
header{display:flex;align-items:center;justify-content:space-between;padding:.6em .6em .6em 1.4em;border-bottom:1px solid var(--line)}
button{flex:1 1 12em}header button{flex:none;width:44px;border:0;font-size:1.5em;line-height:1}
.panel ul{display:block}.panel li{border-top:1px solid var(--line);padding-top:1em;margin-top:1em}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1em .8em;margin-top:.4em;color:var(--dim)}dd{color:var(--fg)}.strong{font-weight:700}
h2{font-size:1.2em}
.panel label{margin:0 0 .2em;gap:.8em;font-size:1.05em}
.panel input{appearance:none;position:relative;width:2.6em;height:1.5em;border:2px solid var(--dim);border-radius:1em;cursor:pointer;transition:background .15s}
.panel input::before{content:"";position:absolute;inset-block:3px;inset-inline-start:3px;width:.87em;border-radius:50%;background:var(--dim);transition:translate .15s}
.panel input:checked{background:var(--accent);border-color:var(--accent)}
.panel input:checked::before{background:var(--on);translate:1.1em}
:dir(rtl).panel input:checked::before{translate:-1.1em}
.panel input:disabled{opacity:.5;cursor:default}
@media(prefers-reduced-motion:reduce){*,*::before{transition:none!important}}
@media(forced-colors:active){.panel input:checked{forced-color-adjust:none}}
.row{display:flex;flex-wrap:wrap;gap:.5em;margin-top:1em}
.danger{flex:1 1 8em;margin:0;align-items:center}.danger button{border-style:dashed;background:none;color:var(--accent)}.danger p{flex:1 1 100%;color:var(--fg)}
main h2{margin-top:1.8em}section button{margin-top:.6em;flex-grow:0}section button,header button{background:none;color:var(--accent)}
.scroll{max-height:16em;overflow:auto;margin:.6em 0;border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:.85em}
th,td{padding:.3em .6em;text-align:start;border-bottom:1px solid var(--line);vertical-align:top}
th{position:sticky;top:0;background:var(--bg);font-weight:700}
@media(max-width:30em){.panel{inset:auto 0 0;width:100%;max-height:92vh;border-radius:var(--radius) var(--radius) 0 0}.panel dl{grid-template-columns:1fr}th,td{padding:.3em .4em}}`;
