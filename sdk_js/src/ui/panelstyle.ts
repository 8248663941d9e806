/** What the panel adds to the banner's look. */
export const css = `dialog::backdrop{background:#0008}.panel{inset:0;max-height:min(46rem,100% - 2rem)}
header{display:flex;align-items:center;justify-content:space-between;padding:.6rem .6rem .6rem 1.4rem;border-bottom:1px solid var(--line)}
header button{flex:none;width:44px;border:0;font-size:1.5em;line-height:1}
.panel li{padding-top:1rem;margin-top:1rem}
.panel label{margin:0 0 .2rem;gap:.8rem;font-size:1.05em}
.panel input{appearance:none;position:relative;width:2.6rem;height:1.5rem;border:2px solid var(--dim);border-radius:1rem;cursor:pointer;transition:background .15s}
.panel input::before{content:"";position:absolute;inset-block:3px;inset-inline-start:3px;width:.87rem;border-radius:50%;background:var(--dim);transition:translate .15s}
.panel input:checked{background:var(--accent);border-color:var(--accent)}
.panel input:checked::before{background:var(--on);translate:1.1rem}
:dir(rtl).panel input:checked::before{translate:-1.1rem}
.panel input:disabled{opacity:.5;cursor:default}
@media(prefers-reduced-motion:reduce){*,*::before{transition:none!important}}
@media(forced-colors:active){.panel input:checked{forced-color-adjust:none}}
.danger{flex:1 1 8rem;margin:0;align-items:center}.danger button{border-style:dashed;background:none;color:var(--accent)}.danger p{flex:1 1 100%;color:var(--fg)}
.row{display:flex;flex-wrap:wrap;gap:.5rem;margin-top:1rem}
main h2{margin-top:1.8rem}section button{margin-top:.6rem;flex-grow:0}section button,header button{background:none;color:var(--accent)}
.scroll{max-height:16rem;overflow:auto;margin:.6rem 0;border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:.85em}
th,td{padding:.3rem .6rem;text-align:start;border-bottom:1px solid var(--line);white-space:nowrap}
th{position:sticky;top:0;background:var(--bg);font-weight:700}
@media(max-width:30rem){.panel{inset:auto 0 0;max-height:92vh}}`;
