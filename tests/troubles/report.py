"""The report on a folder of pictures."""

import zipfile

import numpy as np
from PIL import Image

from tests.troubles import Trouble
from xai_utils.report import inputs
from xai_utils.report.expected import read_labels
from xai_utils.report.folder import ReportFolder
from xai_utils.report.inputs import Source, find_sources
from xai_utils.report.part import Part
from xai_utils.report.run import explain_folder
from xai_utils.report.settings import Settings

TITLE = "Reports on a folder of pictures"

PICTURES = ["a/cat.png", "b/cat.png"]


def labels(text):
    """A function of a folder: write a table of classes there, and read it."""

    def write_and_read(folder):
        (folder / "labels.csv").write_bytes(text.encode("latin-1"))
        read_labels(folder / "labels.csv", PICTURES)

    return write_and_read


def file_called_zip(folder):
    (folder / "holiday.zip").write_text("no zip")
    find_sources(folder / "holiday.zip")


def zip_with(folder, damage=None):
    """The one picture in a zip, of which some bytes have been changed."""
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(folder / "cat.png")
    path = folder / "holiday.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(folder / "cat.png", "cat.png")
    if damage:
        path.write_bytes(path.read_bytes().replace(b"IHDR", b"XXXX"))
    return Source("cat.png", path, "cat.png")


def huge_member(folder):
    source, limit = zip_with(folder), inputs.LARGEST_MEMBER
    inputs.LARGEST_MEMBER = 10
    try:
        source.read()
    finally:
        inputs.LARGEST_MEMBER = limit


def two_settings(folder):
    for baseline in ("black", "white"):
        ReportFolder(folder / "run", {"baseline": baseline})


def other_pictures(folder):
    (folder / "run" / "images" / "cat-0").mkdir(parents=True)
    ReportFolder(folder / "run", {}).check_pictures(["dog.png"])


def folder_of_something_else(folder):
    (folder / "thesis.txt").write_text("precious")
    ReportFolder(folder, {})


TROUBLES = [
    Trouble(
        "no folder, file or pattern '…' (looked for '…'); give a folder of pictures, a pattern in "
        "quotes as 'holiday/*.jpg', a text file with a path a line, a zip, or '…'",
        "The name given for the pictures is that of nothing.",
        "Look at the path that the message names; a relative one begins in the current folder.",
        lambda folder: find_sources(folder / "holidax"),
    ),
    Trouble(
        "no picture in '…'; files are taken that end in …",
        "There is such a folder, zip or pattern, but no file in it is called like a picture. Hidden "
        "files are passed over, and so is the report's own folder.",
        "Rename the files, or name them in a text file, one a line.",
        find_sources,
    ),
    Trouble(
        "cannot read '…' as a zip (…); make it again, or give the folder",
        "The file ends in .zip, and is damaged, incomplete or something else.",
        "Make it again, or unpack it and give the folder.",
        file_called_zip,
    ),
    Trouble(
        "cannot unpack '…' from '…' (…); unpack the zip yourself, and give the folder",
        "This picture in the zip is damaged, has a password, or is packed in a way that Python's "
        "zipfile does not know. The others are explained.",
        "Unpack the zip with the program that made it, and give the folder.",
        lambda folder: zip_with(folder, damage=True).read(),
    ),
    Trouble(
        "'…' in '…' claims … bytes, more than the … that are unpacked; unpack the zip yourself, "
        "and give the folder",
        "A small zip can unpack to any size. What claims to be larger than every picture that is "
        "read is not unpacked.",
        "If the zip is to be trusted, unpack it and give the folder.",
        huge_member,
    ),
    Trouble(
        "'…' is not text in UTF-8; save it in that encoding",
        "The list of pictures or the table of classes has letters in another encoding, as a "
        "spreadsheet may write them.",
        "Save it as “CSV UTF-8”.",
        labels("cat.png,b\xfcffel\n"),
    ),
    Trouble(
        "no table of classes at '…'; write one with a file name and a class in each row: "
        "cat.jpg,tabby",
        "The file given for the expected classes is not there.",
        "Look at the path that the message names.",
        lambda folder: read_labels(folder / "labels.csv", PICTURES),
    ),
    Trouble(
        "row … of '…' is …; each needs a file name and a class: cat.jpg,tabby",
        "A row of the table of classes has one of the two, or neither.",
        "Write both, separated by a comma, semicolon or tab, or remove the row. Leave pictures "
        "without a class out.",
        labels("a/cat.png,tabby\nb/cat.png,\n"),
    ),
    Trouble(
        "'…' gives two classes to '…': '…' and '…'; remove one",
        "Two rows of the table are for one picture, and contradict each other.",
        "Remove one of the rows.",
        labels("a/cat.png,tabby\na/cat.png,dog\n"),
    ),
    Trouble(
        "no file in '…' is one of the pictures; …the table begins with '…', the pictures with '…'",
        "Every file that the table names is missing among the pictures, so that it belongs to "
        "others, or names them differently.",
        "Name files by their path within the folder, or by their last part.",
        labels("mouse.png,mouse\n"),
    ),
    Trouble(
        "'…' in '…' fits … pictures: …; write the path",
        "The table names a file by its last part, and several folders have one of this name.",
        "Write the path within the folder: `a/cat.png`.",
        labels("cat.png,tabby\n"),
    ),
    Trouble(
        "methods is empty; give at least one of …",
        "A report needs a method.",
        "Name some, or leave `methods` out for all.",
        lambda folder: Settings(methods=()),
    ),
    Trouble(
        "no part '…'; write its number and how many there are, as 3/20, the third of twenty; the "
        "first is 1/20",
        "`--part` is no such fraction, or its number is larger than how many there are.",
        "Number the parts from 1. A job array gives the number: `--part $SLURM_ARRAY_TASK_ID/20`.",
        lambda folder: Part.read("20"),
    ),
    Trouble(
        "--force with --part would delete what other parts have done; delete the report's folder "
        "yourself, then begin without --force",
        "The parts of a report are explained side by side in one folder.",
        "Delete the folder before the first part begins.",
        lambda folder: explain_folder(folder, None, part="1/2", force=True),
    ),
    Trouble(
        "'…' holds files that are not of a report; choose another folder with --out",
        "The folder for the report has files in it, and no report: they could be replaced.",
        "Choose a folder that is empty or not there yet. `--force` does not change this.",
        folder_of_something_else,
    ),
    Trouble(
        "'…' holds a report with another …, and is not replaced: choose another folder with --out, "
        "or add --force",
        "The folder has a report, finished or not, that was made with other settings; the message "
        "names them. `weights_sha256` means that the network has been trained again since.",
        "Give the new report a folder of its own. With `--force` the old one is deleted.",
        two_settings,
    ),
    Trouble(
        "'…' holds maps of … pictures that are not among those given, as '…': choose another folder "
        "with --out, or add --force to remove them",
        "The folder has a report, finished or not, on other pictures, or pictures have been removed "
        "since. Their maps would stay beside the new report.",
        "Give the new report a folder of its own, or remove the old maps with `--force`.",
        other_pictures,
    ),
    Trouble(
        "no file '…'; the paths in a list begin in the folder of the list",
        "A line of the text file names no file, or the file has been moved since. The other "
        "pictures are explained.",
        "Look at the path: a relative one begins where the text file is.",
        lambda folder: Source("cat.png", folder / "cat.png").read(),
    ),
]
