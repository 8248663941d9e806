/**
 * The interface's look; a page adjusts it through the custom properties and `::part`. Spelled tersely: every byte is loaded.
 * In `em` of the browser's own size, never in `rem`, which is the page's. On the first layer all text is of one size, so that
 * period and recipients are smaller than nothing (K19).
 */
export const css = `:host{all:initial;color-scheme:light dark;--fg:var(--dongui-fg,light-dark(#16181d,#eceef2));--bg:var(--dongui-bg,light-dark(#fff,#1b1e24));--dim:var(--dongui-dim,light-dark(#565c66,#a9b0bb));--line:var(--dongui-line,light-dark(#dfe2e7,#383d46));--accent:var(--dongui-accent,light-dark(#1b4fd8,#9db9ff));--on:var(--dongui-on-accent,light-dark(#fff,#0c1836));--radius:var(--dongui-radius,12px);font-family:var(--dongui-font,system-ui,sans-serif);line-height:1.45}
:host>*{font-size:max(12px,var(--dongui-size,.84em))}
*{box-sizing:border-box;margin:0;padding:0;font:inherit;color:inherit}
dialog{position:fixed;inset:var(--dongui-inset,auto 0 1em);z-index:2147483647;display:flex;flex-direction:column;width:min(60em,100% - 2em);max-width:none;max-height:min(23.5em,75vh);margin:auto;border:1px solid var(--line);border-radius:var(--radius);background:var(--bg);color:var(--fg);box-shadow:0 1em 2em #0003;overflow:hidden;word-break:keep-all;overflow-wrap:anywhere}
main,footer{overflow:auto;padding:.7em 1.2em}
main{flex-shrink:1e5;min-height:3em}
::-webkit-scrollbar{width:8px}
::-webkit-scrollbar-thumb{background:var(--dim);border-radius:4px}
h2,h3,strong,label,button{font-weight:700}
p{color:var(--dim)}
strong{color:var(--fg)}
a{color:var(--accent)}
ul{list-style:none;display:grid;grid-template-columns:repeat(auto-fit,minmax(min(22em,100%),1fr));gap:.7em 2em;margin-top:.7em}
label{display:flex;gap:.5em;align-items:center;min-height:24px}
input{flex:none;width:1.4em;height:1.4em;accent-color:var(--accent)}
footer{display:flex;flex-wrap:wrap;gap:.5em 1em;border-top:1px solid var(--line)}
.buttons{position:sticky;bottom:0;flex:1 1 44em;display:grid;grid:auto/repeat(3,1fr);gap:.5em;background:var(--bg)}
button{min-height:44px;padding:.2em .7em;border:2px solid var(--accent);border-radius:calc(var(--radius) - 4px);background:var(--accent);color:var(--on);line-height:1.25}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
@media(max-width:30em){.banner{inset:auto 0 0;width:100%;max-height:50vh;border-radius:var(--radius) var(--radius) 0 0}.buttons{grid:auto-flow 1fr/1fr}}
@media(max-height:28em){.banner{inset:auto 0 0;max-height:clamp(75vh,21em,100vh);font-size:12px}.banner button{min-height:24px;padding:.1em .4em;border:0}.banner>*{padding:.4em .8em}}
@media print{:host{display:none}}`;
