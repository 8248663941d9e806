/** The interface's look; a page adjusts it through the custom properties and `::part`. Spelled tersely: every byte is loaded. */
export const css = `:host{all:initial;color-scheme:light dark;--fg:var(--dongui-fg,light-dark(#16181d,#eceef2));--bg:var(--dongui-bg,light-dark(#fff,#1b1e24));--dim:var(--dongui-dim,light-dark(#565c66,#a9b0bb));--line:var(--dongui-line,light-dark(#dfe2e7,#383d46));--accent:var(--dongui-accent,light-dark(#1b4fd8,#9db9ff));--on:var(--dongui-on-accent,light-dark(#fff,#0c1836));--radius:var(--dongui-radius,14px);font:15px/1.5 var(--dongui-font,system-ui,sans-serif)}
*{box-sizing:border-box;margin:0;padding:0;font:inherit;color:inherit}
dialog{position:fixed;inset:var(--dongui-inset,auto 0 1rem);z-index:2147483647;display:flex;flex-direction:column;width:min(44rem,100% - 2rem);max-width:none;max-height:min(32rem,75vh);margin:auto;border:1px solid var(--line);border-radius:var(--radius);background:var(--bg);color:var(--fg);box-shadow:0 8px 40px #0004;overflow:hidden;word-break:keep-all;overflow-wrap:anywhere}
main{overflow:auto;padding:1rem 1.4rem}
h2,h3,label,button{font-weight:700}
h2{font-size:1.2rem}
p,dl{color:var(--dim)}
li{display:block;border-top:1px solid var(--line);margin-top:.8rem;padding-top:.8rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem;font-size:.87em}
dl,label{margin-top:.4rem}
dd{color:var(--fg)}
label{display:flex;gap:.6rem;align-items:center;min-height:24px}
input{flex:none;width:1.25rem;height:1.25rem;accent-color:var(--accent)}
footer{display:flex;flex-wrap:wrap;gap:.5rem;padding:.8rem 1.4rem;border-top:1px solid var(--line)}
button{flex:1 1 8rem;min-height:44px;padding:.4rem .8rem;border:2px solid var(--accent);border-radius:var(--radius);background:var(--accent);color:var(--on);cursor:pointer}
a,button:nth-child(3){background:none;color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
@media(max-width:30rem){dialog{inset:auto 0 0;width:100%;border-radius:var(--radius) var(--radius) 0 0}dl{grid-template-columns:1fr}}
@media(max-height:26rem){dialog{display:block;overflow:auto}}`;
