"""How often a network is so sure that float32 loses 1 - y, over a thousand photographs of ImageNet.

    git clone https://github.com/EliSchwartz/imagenet-sample-images
    python benchmarks/confidence.py imagenet-sample-images

The photographs (commit bc69043, one for each class, of many owners) are no part of this repository.
Of each, the square in the middle is shown to the network, or the whole, stretched to a square, as
`load_classifier` and the notebooks do. Prints a table, and writes benchmarks/confidence.csv. It
takes some three minutes.
"""

import csv
import io
import sys
from pathlib import Path

MODELS = ("efficientnet-lite0", "vgg19-mini")
OUTPUT = Path(__file__).with_name("confidence.csv")


def measure(folder):
    """One row for each network and cut: list of dict of str."""
    from xai_utils import load_classifier
    from xai_utils.study.confidence import (
        central_square,
        logits_of_files,
        predicted_log_odds,
        summarise_confidence,
        top_shares,
    )

    paths = sorted(folder.glob("*.JPEG"))
    cuts = {"central square": central_square, "stretched": lambda image: image}
    for model in MODELS:
        classifier = load_classifier(model)
        for name, cut in cuts.items():
            logits = logits_of_files(classifier, paths, cut)
            found = summarise_confidence(predicted_log_odds(logits))
            knows_imagenet = logits.shape[1] == 1000
            shares = top_shares(logits, paths) if knows_imagenet else ("", "")
            found |= dict(zip(("top_1", "top_5"), shares, strict=True))
            rounded = {k: v if v == "" else f"{v:.3f}" for k, v in found.items()}
            yield {"model": model, "shown": name, "n": len(paths), **rounded}


def main():
    rows = []
    for row in measure(Path(sys.argv[1])):
        print(row, flush=True)
        rows.append(row)
    from xai_utils.results import write_atomically

    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomically(OUTPUT, lambda file: file.write(text.getvalue().encode()))


if __name__ == "__main__":
    main()
