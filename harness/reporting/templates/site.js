"use strict";
(() => {
  const form = document.getElementById("filters");
  const rows = [...document.querySelectorAll(".runs tbody tr")];
  const count = document.getElementById("count");
  const none = document.getElementById("none");
  const names = ["suite", "verdict", "commit", "environment"];

  const fits = {
    suite: (row, _value, index) => row.dataset.s === String(index),
    verdict: (row, value) => row.className === value,
    commit: (row, value) => row.dataset.c.startsWith(value.trim().toLowerCase()),
    environment: (row, value) => row.dataset.e === value,
  };

  const show = () => {
    const asked = names.filter((name) => form[name].value);
    let left = 0;
    for (const row of rows) {
      const isShown = asked.every((name) => {
        const control = form[name];
        return fits[name](row, control.value, control.selectedIndex - 1);
      });
      row.hidden = !isShown;
      left += isShown;
    }
    count.textContent = `${left} of ${rows.length} runs`;
    none.hidden = left > 0;
    const words = new URLSearchParams(asked.map((name) => [name, form[name].value]));
    history.replaceState(null, "", words.size ? `#${words}` : location.pathname);
  };

  const read = () => {
    const words = new URLSearchParams(location.hash.slice(1));
    for (const name of names) form[name].value = words.get(name) || "";
    show();
  };

  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show));
  document.getElementById("clear").addEventListener("click", () => form.reset());
  addEventListener("hashchange", read);
  form.hidden = false;
  if (location.hash) read();
})();
