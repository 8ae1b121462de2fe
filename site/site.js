// A formula that is wider than the page scrolls in itself: so the keyboard has to reach it.
function reachFormulas() {
  for (const formula of document.querySelectorAll("div.math"))
    if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
    else formula.removeAttribute("tabindex");
}

addEventListener("load", () => window.MathJax?.startup.promise.then(reachFormulas));
addEventListener("resize", reachFormulas);
