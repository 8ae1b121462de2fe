"""What there is to explain: pictures in a folder, a glob, a list or a zip."""

import glob
import hashlib
import os
import shutil
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from xai_utils.embedded.samples import PHOTOGRAPHS, SCENES, load_image

# How files of the formats in `images.FORMATS` are called; others in a folder are passed over
ENDINGS = frozenset(
    ".png .apng .jpg .jpeg .jpe .jfif .gif .webp .tif .tiff .bmp .avif .jp2 .j2k .jpx .ppm .pgm "
    ".pbm .pnm .tga .ico .dib .pcx .psd .sgi .rgb .bw".split()
)
SAMPLES = "samples"  # in place of a folder: the sample photographs and scenes
LARGEST_MEMBER = 500_000_000  # bytes of a picture in a zip


@dataclass(frozen=True)
class Source:
    """A picture before it is read.

    Attributes
    ----------
    name : str
        Its path within the folder, list or zip, with "/": no two have the same.
    path : Path or None
        Of the file, or of the zip; None for a sample.
    member : str or None
        Its name in the zip.
    """

    name: str
    path: Path | None
    member: str | None = None

    def digest(self):
        """SHA-256 of the file as a hexadecimal string; None if it cannot be opened."""
        if self.path is None:
            return hashlib.sha256(self.name.encode()).hexdigest()
        try:
            with self._file() as path, open(path, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError):
            return None

    def read(self):
        """The pixels: ndarray, uint8 (H, W, 3).

        Raises
        ------
        OSError, ValueError
            If it cannot be read as an image; the message has the name of the picture.
        """
        if self.path is None:
            return load_image(self.name)
        if not self.path.exists():
            raise FileNotFoundError(
                f"no file {self.name!r}; the paths in a list begin in the folder of the list"
            )
        with self._file() as path:
            try:
                return load_image(path.absolute())  # which is never the name of a sample
            except (OSError, ValueError) as error:
                message = str(error).replace(str(path.absolute()), self.name)
                raise ValueError(message) from error

    @contextmanager
    def _file(self):
        if self.member is None:
            yield self.path
            return
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "picture" + Path(self.member).suffix)
            try:
                with zipfile.ZipFile(self.path) as archive:
                    size = archive.getinfo(self.member).file_size
                    if size <= LARGEST_MEMBER:
                        with archive.open(self.member) as source, open(path, "wb") as file:
                            shutil.copyfileobj(source, file)
            except Exception as error:  # damaged, encrypted, packed in a way that Python lacks
                raise ValueError(
                    f"cannot unpack {self.name!r} from {str(self.path)!r} ({error}); unpack the "
                    "zip yourself, and give the folder"
                ) from error
            if size > LARGEST_MEMBER:
                raise ValueError(
                    f"{self.name!r} in {str(self.path)!r} claims {size:,} bytes, more than the "
                    f"{LARGEST_MEMBER:,} that are unpacked; unpack the zip yourself, and give the "
                    "folder"
                )
            yield path


def find_sources(images, left_out=None):
    """The pictures that are meant, ordered by name.

    Parameters
    ----------
    images : str or Path
        A folder, with the folders in it; a pattern with ``*``, ``?`` or ``**``; a text file with
        one path a line, from its own folder, or names of samples; a zip; one picture; or
        "samples". In a folder and in a zip, files are taken that are called like pictures.
    left_out : Path, optional
        A folder whose files are not taken: where the results go.

    Returns
    -------
    list of Source

    Raises
    ------
    FileNotFoundError
        If there is no such place, or no picture in it.
    ValueError
        If the zip or the list cannot be read.
    """
    given, place = str(images), Path(os.path.expanduser(images))
    if given == SAMPLES:
        sources = [Source(name, None) for name in (*PHOTOGRAPHS, *SCENES)]
    elif place.is_dir():
        sources = _named([p for p in place.rglob("*") if _is_picture(p.relative_to(place))], place)
    elif place.is_file() and place.suffix.lower() == ".zip":
        sources = _members(place)
    elif place.is_file() and place.suffix.lower() in (".txt", ".lst", ".list"):
        sources = _listed(place)
    elif place.is_file():
        sources = [Source(place.name, place)]
    elif glob.has_magic(str(place)):
        found = [Path(p) for p in glob.glob(str(place), recursive=True)]
        root = Path(os.path.commonpath([p.parent for p in found])) if found else place
        sources = _named(found, root)
    else:
        raise FileNotFoundError(
            f"no folder, file or pattern {given!r} (looked for {str(place.absolute())!r}); give a "
            "folder of pictures, a pattern in quotes as 'holiday/*.jpg', a text file with a path a "
            f"line, a zip, or {SAMPLES!r}"
        )
    if left_out is not None:
        left_out = left_out.resolve()
        sources = [s for s in sources if s.path is None or left_out not in s.path.resolve().parents]
    if not sources:
        raise FileNotFoundError(
            f"no picture in {given!r}; files are taken that end in {', '.join(sorted(ENDINGS))}"
        )
    return sorted(sources, key=lambda source: source.name)


def _is_picture(path):
    hidden = any(part.startswith((".", "__MACOSX")) for part in path.parts)
    return path.suffix.lower() in ENDINGS and not hidden


def _named(paths, root):
    return [Source(p.relative_to(root).as_posix(), p) for p in paths if p.is_file()]


def _members(path):
    try:
        with zipfile.ZipFile(path) as archive:
            names = dict.fromkeys(i.filename for i in archive.infolist() if not i.is_dir())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise ValueError(
            f"cannot read {str(path)!r} as a zip ({error}); make it again, or give the folder"
        ) from error
    return [Source(name, path, name) for name in names if _is_picture(Path(name))]


def read_text(path):
    """The text of a file in UTF-8."""
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{str(path)!r} is not text in UTF-8; save it in that encoding") from error


def _listed(path):
    lines = [line.strip() for line in read_text(path).splitlines()]
    sources = []
    for name in dict.fromkeys(line for line in lines if line and not line.startswith("#")):
        file = path.parent / os.path.expanduser(name)
        is_sample = name in PHOTOGRAPHS or name in SCENES
        sources.append(Source(name, None if is_sample and not file.exists() else file))
    return sources
