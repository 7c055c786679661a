/** Style of the page. Colours are variables of `palette.ts`. */
export const PAGE_STYLE = `
*{box-sizing:border-box}html,body{height:100%;margin:0}
body{display:flex;flex-direction:column;background:var(--page);color:var(--text);font:13px ui-sans-serif,system-ui,"Segoe UI",Helvetica,Arial,sans-serif}
header{padding:12px 20px 4px;display:flex;flex-wrap:wrap;gap:4px 18px;align-items:baseline}
h1{font-size:19px;font-weight:600;margin:0}code{color:var(--soft);font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;user-select:all;overflow-wrap:anywhere}
.bad{flex-basis:100%;margin:2px 0 0;color:var(--alarm);font-weight:600}
nav{display:flex;flex-wrap:wrap;gap:6px 14px;align-items:center;padding:6px 20px;border-bottom:1px solid var(--grid);color:var(--soft)}
nav label{display:flex;gap:5px;align-items:center;cursor:pointer}.gap{flex:1}
button,select{font:inherit;color:var(--text);background:var(--lane);border:1px solid var(--grid);border-radius:5px;padding:3px 9px;cursor:pointer}
button:hover,select:hover{border-color:var(--line)}input{accent-color:var(--e0)}
:focus-visible{outline:2px solid var(--e0);outline-offset:1px}
main{flex:1;min-height:120px;position:relative;overflow-x:hidden;overflow-y:auto}
canvas{display:block;width:100%;touch-action:pan-y}#picture{cursor:grab;outline:none}#picture.drag{cursor:grabbing}
#overview{height:58px;cursor:ew-resize;border-top:1px solid var(--grid);flex:none}
#tip{position:fixed;z-index:2;max-width:440px;padding:8px 11px;border-radius:7px;background:var(--text);color:var(--page);font-size:12px;line-height:1.45;pointer-events:none;box-shadow:0 4px 18px #0006;overflow-wrap:anywhere}
#tip b{font-size:13px}#tip i{font-style:normal;opacity:.72}
footer{display:flex;gap:18px;padding:5px 20px 7px;color:var(--soft);font-size:12px;border-top:1px solid var(--grid)}#note{flex:1;color:var(--cut)}
kbd{font:11px ui-monospace,Menlo,Consolas,monospace;border:1px solid var(--grid);border-radius:3px;padding:0 4px}
@media print{nav,footer,#overview{display:none}}
`
