// A formula that is wider than the page scrolls in itself: so the keyboard has to reach it.
const changed = new ResizeObserver((entries) => {
  for (const { target } of entries)
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
});
document.querySelectorAll("div.math").forEach((formula) => changed.observe(formula));

// No line begins with the comma that follows a formula.
document.querySelectorAll("span.math").forEach((formula) => {
  const after = formula.nextSibling;
  const [mark] = (after?.nodeType === Node.TEXT_NODE && after.data.match(/^[^\s]+/)) || [];
  if (!mark) return;
  const both = document.createElement("span");
  both.className = "formula";
  formula.replaceWith(both);
  after.splitText(mark.length);
  both.append(formula, after);
});
