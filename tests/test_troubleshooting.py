"""Every error message is provoked, and explained on the page TROUBLESHOOTING.md."""

import pytest

from tests.troubles import PAGE, fits, page, raised_in_package, rooms

TROUBLES = [trouble for _, troubles in rooms() for trouble in troubles]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda t: t.message[:50])
def test_the_message_is_what_a_user_gets(trouble, tmp_path):
    with pytest.raises((ValueError, TypeError, OSError, ImportError, AssertionError)) as caught:
        trouble.provoke(tmp_path)
    assert fits(str(caught.value), trouble.message)


@pytest.mark.parametrize(("place", "pattern"), list(raised_in_package()))
def test_every_error_of_the_package_is_on_the_page(place, pattern):
    assert any(fits(trouble.message, pattern) for trouble in TROUBLES), pattern


def test_the_page_is_written_from_the_entries():
    assert PAGE.read_text("utf-8") == page(), "run: python -m tests.troubles"
