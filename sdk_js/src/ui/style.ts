/** The interface's look; a page adjusts it through the custom properties and `::part`. Spelled tersely: every byte is loaded. */
export const css = `
:host{all:initial;--fg:var(--dongui-fg,#17191c);--bg:var(--dongui-bg,#fff);--dim:var(--dongui-dim,#565c66);--line:var(--dongui-line,#d9dce1);--accent:var(--dongui-accent,#1b4fd8);--on:var(--dongui-on-accent,#fff);color-scheme:light dark;font:15px/1.5 var(--dongui-font,system-ui,-apple-system,"Apple SD Gothic Neo","Noto Sans KR",sans-serif)}
@media(prefers-color-scheme:dark){:host{--fg:var(--dongui-fg,#eceef2);--bg:var(--dongui-bg,#1c1f24);--dim:var(--dongui-dim,#a9b0bb);--line:var(--dongui-line,#3a3f47);--accent:var(--dongui-accent,#9db9ff);--on:var(--dongui-on-accent,#0c1836)}}
*{box-sizing:border-box;margin:0;padding:0;font:inherit;color:inherit}
dialog{position:fixed;inset:auto 0 0;z-index:2147483647;display:flex;flex-direction:column;width:min(44rem,100% - 2rem);max-width:none;max-height:min(36rem,85vh);margin:0 auto 1rem;border:1px solid var(--line);border-radius:var(--dongui-radius,14px);background:var(--bg);color:var(--fg);box-shadow:0 8px 40px #0003;overflow:hidden;word-break:keep-all;overflow-wrap:anywhere}
main{overflow:auto;padding:1.25rem 1.25rem .5rem}
h2{font-size:1.15rem;font-weight:700}
h3{font-weight:650}
p,dl{color:var(--dim);margin-top:.35rem}
li{list-style:none;border-top:1px solid var(--line);margin-top:.9rem;padding-top:.8rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .75rem;font-size:.87rem}
dd{color:var(--fg)}
label{display:flex;gap:.6rem;align-items:center;font-weight:600;min-height:24px;margin-top:.4rem}
input{width:1.25rem;height:1.25rem;accent-color:var(--accent);flex:none}
footer{display:flex;flex-wrap:wrap;gap:.5rem;padding:.75rem 1.25rem 1.1rem;border-top:1px solid var(--line)}
button{flex:1 1 8.5rem;min-height:44px;padding:.4rem .9rem;border:1.5px solid var(--accent);border-radius:calc(var(--dongui-radius,14px) - 4px);background:var(--accent);color:var(--on);font-weight:650;cursor:pointer}
button.plain{background:none;color:var(--accent)}
a{color:var(--accent);text-underline-offset:.2em}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
[hidden]{display:none!important}
@media(max-width:30rem){dialog{width:100%;margin:0;border-radius:14px 14px 0 0;border-width:1px 0 0}dl{grid-template-columns:1fr}}
@media(max-height:26rem){dialog{display:block;overflow:auto}}
`;
