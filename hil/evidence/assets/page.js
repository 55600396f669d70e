"use strict";
/* Which view an address asks for: "" the list, "#requirements", "#latencies", "#case=ID&attempt=N&t=SECONDS". */
(() => {
  const app = document.getElementById("app"), { run } = Page;
  let turn = 0;

  async function route() {
    const hash = location.hash.slice(1), wanted = new URLSearchParams(hash.replaceAll("+", "%2B"));
    const row = run.cases.find((item) => item.id === wanted.get("case"));
    const mine = ++turn;
    delete document.documentElement.dataset.ready;
    Case.leave();
    if (row) await Case.show(app, row, Number(wanted.get("attempt")), wanted.get("t"), () => mine === turn);
    else List.show(app, hash, wanted.get("case"));
    if (mine !== turn) return;
    if (row || !document.getElementById(hash)) scrollTo(0, 0);
    document.documentElement.dataset.ready = hash || "list";
  }

  addEventListener("hashchange", route);
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    if (location.hash.length > 1) location.hash = "";
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", route);
  route();
})();
