"""Where a report is kept, so that it can be stopped at any moment and taken up again.

The settings are written first, a picture's record after its other files, and the manifest last.
"""

import contextlib
import hashlib
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np

from xai_utils.files import write_atomically
from xai_utils.report.part import FOLDER
from xai_utils.report.pictures import draw_grid, draw_preview, jpeg

SETTINGS, MANIFEST, RECORD = "settings.json", "manifest.json", "record.json"
UNFINISHED = re.compile(r"\..+\.\d+")  # what write_atomically leaves if it is killed


class ReportFolder:
    """The folder of one report.

    Parameters
    ----------
    path : Path
    settings : dict
        As from `Settings.record`.
    force : bool
        Replace a report with other settings.
    shared : bool
        Others may be writing other pictures of the same report.

    Raises
    ------
    ValueError
        If the folder holds a report with other settings, or something else.
    OSError
        If it cannot be written to.
    """

    def __init__(self, path, settings, force=False, shared=False):
        self.path = path
        settings = json.loads(json.dumps(settings, default=str))
        files = (p for p in path.rglob("*") if p.is_file())  # Snakemake makes empty folders
        begun = any(not UNFINISHED.fullmatch(p.name) for p in files)
        if begun:
            self._check(settings, force)
        if not shared:  # else what is unfinished is somebody's work
            self._sweep()
        if not (shared and begun):
            self.write(SETTINGS, json.dumps(settings, indent=1).encode())

    def _sweep(self):
        """Remove what a killed run has left unfinished."""
        for rest in self.path.rglob(".*"):
            if UNFINISHED.fullmatch(rest.name):
                rest.unlink()

    def _check(self, settings, force):
        """Refuse a folder with something else; with `force`, clear one with another report."""
        file = self.path / SETTINGS
        if not file.is_file():
            raise ValueError(
                f"{str(self.path)!r} holds files that are not of a report; choose another folder "
                "with --out"
            )
        try:
            old = json.loads(file.read_text("utf-8"))
            differing = [k for k in {**old, **settings} if old.get(k) != settings.get(k)]
        except (ValueError, TypeError):
            differing = ["settings (they cannot be read)"]
        if differing and not force:
            raise ValueError(
                f"{str(self.path)!r} holds a report with another {', '.join(differing)}, and is "
                "not replaced: choose another folder with --out, or add --force"
            )
        if differing:
            for name in (MANIFEST, "index.html", "rows.csv", "baseline.png"):
                (self.path / name).unlink(missing_ok=True)
            shutil.rmtree(self.path / "images", ignore_errors=True)
            shutil.rmtree(self.path / FOLDER, ignore_errors=True)

    def check_pictures(self, names, force=False):
        """Refuse a folder with the maps of other pictures; with `force`, remove those.

        Else they would stay beside the report, and go with it to whoever gets it.

        Parameters
        ----------
        names : sequence of str
            Of all pictures of the report.
        force : bool
        """
        places = {self.place(name) for name in names}
        others = [p for p in self.path.glob("images/*/") if f"images/{p.name}" not in places]
        if others and not force:
            raise ValueError(
                f"{str(self.path)!r} holds maps of {len(others)} pictures that are not among those "
                f"given, as {min(p.name for p in others)!r}: choose another folder with --out, or "
                "add --force to remove them"
            )
        for other in others:
            (self.path / MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(other)

    def write(self, name, content):
        """Write a file (bytes) that appears under its name when it is complete."""
        write_atomically(self.path / name, lambda file: file.write(content))

    def place(self, name):
        """The folder of one picture within that of the report, by the picture's name: str."""
        stem = re.sub(r"[^A-Za-z0-9]+", "-", Path(name).stem).strip("-")[:32]
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
        return f"images/{stem or 'picture'}-{digest[:10]}"

    def finished(self, name, digest, label):
        """The record of a picture that is done, or None.

        Parameters
        ----------
        name : str
        digest : str
            Of its file; a picture that has been changed is not done.
        label : str or None
            The class that is expected.
        """
        with contextlib.suppress(OSError, ValueError, AttributeError):
            record = json.loads((self.path / self.place(name) / RECORD).read_text("utf-8"))
            if (record.get("file_sha256"), record.get("expected")) == (digest, label):
                return record
        return None

    def keep(self, image, record, maps, settings):
        """Write all files of one picture, its record last."""
        if self.finished(record["name"], record["file_sha256"], record["expected"]):
            return  # by another process, meanwhile
        place = self.place(record["name"])
        for name in (MANIFEST, f"{place}/{RECORD}"):  # the report is not complete any more
            (self.path / name).unlink(missing_ok=True)
        arrays = io.BytesIO()
        np.savez_compressed(arrays, **maps)
        self.write(f"{place}/maps.npz", arrays.getvalue())
        self.write(f"{place}/preview.jpg", jpeg(draw_preview(image, maps, settings)))
        self.write(f"{place}/maps.jpg", jpeg(draw_grid(image, maps, record, settings)))
        text = json.dumps(record, indent=1, allow_nan=False)
        self.write(f"{place}/{RECORD}", text.encode())

    def complete(self, summary, places):
        """Write the manifest: what the report consists of, and how large each file is."""
        shutil.rmtree(self.path / FOLDER, ignore_errors=True)
        files = [SETTINGS, "rows.csv", "index.html"]
        for place in places:
            names = ("maps.npz", "preview.jpg", "maps.jpg", RECORD)
            files += [f"{place}/{name}" for name in names]
        sizes = {name: (self.path / name).stat().st_size for name in files}
        self.write(MANIFEST, json.dumps({**summary, "bytes": sizes}, indent=1).encode())
