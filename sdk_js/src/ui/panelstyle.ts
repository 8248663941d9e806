/** What the panel adds to the banner's look. */
export const css = `.panel{inset:0;max-height:min(46rem,100% - 2rem)}
header{display:flex;align-items:center;justify-content:space-between;padding:.6rem .6rem .6rem 1.4rem;border-bottom:1px solid var(--line)}
header button{flex:none;width:44px;border:0;font-size:1.5em;line-height:1}
.row{display:flex;flex-wrap:wrap;gap:.5rem;margin-top:1rem}
main h2{margin-top:1.8rem}section button{margin-top:.6rem;flex-grow:0}
.scroll{max-height:16rem;overflow:auto;margin:.6rem 0;border:1px solid var(--line);border-radius:8px}
table{border-collapse:collapse;width:100%;font-size:.85em}
th,td{padding:.3rem .6rem;text-align:start;border-bottom:1px solid var(--line);white-space:nowrap}
th{position:sticky;top:0;background:var(--bg);font-weight:650}
@media(max-width:30rem){.panel{inset:auto 0 0;max-height:92vh}}`;
