// Without this script every link leads to its details at the end of the page. With it they open in a
// dialog, under the same address, so that a place can be bookmarked and sent.
"use strict";
{
  const dialog = document.getElementById("dialog");
  const title = document.getElementById("dialog-title");
  const body = document.getElementById("dialog-body");

  const links = document.querySelectorAll("a.cell, a[data-opens]");
  let opener = null;

  function named(hash) {
    const element = document.getElementById(decodeURIComponent(hash.slice(1)));
    return element && element.classList.contains("detail") ? element : null;
  }

  function copy(article) {
    const copied = article.cloneNode(true);
    copied.querySelectorAll("[id]").forEach((element) => element.removeAttribute("id"));
    copied.removeAttribute("id");
    return copied;
  }

  function show(article) {
    const shown = copy(article);
    const heading = shown.querySelector("h3");
    title.replaceChildren(...heading.childNodes);
    heading.remove();
    const run = document.getElementById(article.dataset.run);
    if (run) shown.querySelector(".to-run").replaceWith(copy(run));
    body.replaceChildren(shown);
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    title.focus();
  }

  function follow() {
    const article = named(location.hash);
    if (article) show(article);
    else if (dialog.open) dialog.close();
  }

  document.documentElement.classList.add("scripted");
  for (const link of links) {
    link.setAttribute("role", "button");
    link.setAttribute("aria-haspopup", "dialog");
    link.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      link.click();
    });
    link.addEventListener("click", () => { opener = link; });
  }
  window.addEventListener("hashchange", follow);
  document.getElementById("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => {
    if (named(location.hash)) history.replaceState(null, "", location.pathname + location.search);
    // Following a link has moved the focus off it, so the browser cannot give it back.
    if (opener) opener.focus({ preventScroll: true });
    opener = null;
  });
  // On paper nothing can be opened.
  window.addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details.notes, .absences details, .claim details")) {
      details.open = true;
    }
  });
  follow();
}
