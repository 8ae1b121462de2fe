// A formula that is wider than the page scrolls in itself: so the keyboard has to reach it.
const changed = new ResizeObserver((entries) => {
  for (const { target } of entries)
    if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
    else target.removeAttribute("tabindex");
});
document.querySelectorAll("div.math").forEach((formula) => changed.observe(formula));
