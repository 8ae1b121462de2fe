"""Write TROUBLESHOOTING.md anew."""

from tests.troubles import PAGE, page

PAGE.write_text(page(), "utf-8")
