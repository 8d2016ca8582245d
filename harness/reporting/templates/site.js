"use strict";
(() => {
  const form = document.getElementById("filters");
  const body = document.querySelector(".runs tbody");
  const count = document.getElementById("count");
  const none = document.getElementById("none");
  const more = document.getElementById("more");
  const names = ["suite", "verdict", "commit", "environment"];
  const { marks, shown, words, rows } = JSON.parse(document.getElementById("data").textContent);
  // Places in a row, as run_list.py writes it.
  const [RUN, SUITE, VERDICT, COMMIT, DURATION, ENVIRONMENT, ENDED, GREEN, GUARDS, FLAGS, REASON, BESIDE] =
    Array(12).keys();
  let fitting = rows;
  let drawn = 0;

  const make = (name, content, words) => {
    const made = document.createElement(name);
    if (words) made.className = words;
    made.append(...content);
    return made;
  };

  const finished = (row) => {
    if (row[ENDED] < 0) return words[-row[ENDED]];
    const [, year, month, day, hour, minute] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)/.exec(row[RUN]);
    const begun = Date.UTC(year, month - 1, day, hour, minute);
    return new Date(begun + 60000 * row[ENDED]).toISOString().slice(0, 16).replace("T", " ");
  };

  const draw = (row) => {
    const verdict = words[row[VERDICT]];
    const suite = words[row[SUITE]];
    const badge = [make("b", [`${marks[verdict] || "!"} ${verdict}`], `badge ${verdict}`)];
    if (row[BESIDE]) badge.push(make("small", [words[row[BESIDE]]]));
    const name = [`${suite} ${row[RUN]}`];
    if (row[FLAGS] & 1) {
      const link = make("a", [`${suite} `, make("span", [row[RUN]])]);
      link.href = `hubs/${encodeURIComponent(suite)}/${encodeURIComponent(row[RUN])}.html`;
      name[0] = link;
    }
    if (row[REASON]) name.push(make("small", [words[row[REASON]]]));
    const head = make("th", name);
    head.scope = "row";
    const commit = [make("code", [words[row[COMMIT]].slice(0, 10)]), row[FLAGS] & 2 ? " + changes" : ""];
    const cells = [
      [finished(row)], commit, [`${row[GREEN]}/${row[GUARDS]}`], [words[row[DURATION]]], [words[row[ENVIRONMENT]]],
    ];
    return make("tr", [make("td", badge), head, ...cells.map((cell) => make("td", cell))], verdict);
  };

  const add = () => {
    body.append(...fitting.slice(drawn, drawn + shown).map(draw));
    drawn = Math.min(drawn + shown, fitting.length);
    const cut = drawn < fitting.length ? `, the newest ${drawn} listed` : "";
    count.textContent = `${fitting.length} of ${rows.length} runs${cut}`;
    more.hidden = !cut;
  };

  const begins = (commit, value) => (value.length > 12 ? commit && value.startsWith(commit) : commit.startsWith(value));

  const fits = {
    suite: (value) => (row) => words[row[SUITE]] === value,
    verdict: (value) => (row) => words[row[VERDICT]] === value,
    commit: (value) => (row) => begins(words[row[COMMIT]], value.trim().toLowerCase()),
    environment: (value, words_) => (row) => words[row[ENVIRONMENT]] === words_,
  };

  const show = () => {
    const asked = names.filter((name) => form[name].value);
    const tests = asked.map((name) => {
      const control = form[name];
      return fits[name](control.value, control.options?.[control.selectedIndex]?.text);
    });
    fitting = rows.filter((row) => tests.every((test) => test(row)));
    drawn = 0;
    body.replaceChildren();
    add();
    none.hidden = fitting.length > 0;
    const given = new URLSearchParams(asked.map((name) => [name, form[name].value]));
    history.replaceState(null, "", given.size ? `#${given}` : location.pathname);
  };

  const read = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    for (const name of names) form[name].value = given.get(name) || "";
    show();
  };

  form.addEventListener("input", show);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(show));
  document.getElementById("clear").addEventListener("click", () => form.reset());
  more.firstElementChild.addEventListener("click", add);
  addEventListener("hashchange", read);
  form.hidden = false;
  more.hidden = rows.length <= shown;
  if (location.hash) read();
  else drawn = Math.min(shown, rows.length);
})();
