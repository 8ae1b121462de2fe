"""The examples in the docstrings of the public names."""

import doctest

import matplotlib.pyplot as plt
import numpy as np
import pytest

import xai_utils

IN_NOTEBOOKS_ONLY = ("check_parameters",)
EXAMPLES = [name for name in xai_utils.__all__ if name not in IN_NOTEBOOKS_ONLY]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_public_name_has_an_example_that_runs(name, tmp_path):
    names = {name: getattr(xai_utils, name) for name in xai_utils.__all__}
    finder = doctest.DocTestFinder(recurse=False)
    (test,) = finder.find(names[name], name, globs={**names, "np": np, "folder": tmp_path})
    assert test.examples
    runner = doctest.DocTestRunner()
    runner.run(test)
    plt.close("all")
    assert runner.summarize(verbose=False).failed == 0
