"""What released weights were trained on: public name, credits and licence of each set, for model cards.

Never in here: loading those sets; `data/README.md` says more about each.
"""

BUNDLED = (
    "scikit-image: astronaut (NASA, public domain), brick and gravel (CC0Textures, CC0), coffee (Rachel Michetti, "
    "CC0), coins (Brooklyn Museum, no known copyright restrictions), grass (linolafett, CC0), text (Wikipedia, public "
    "domain)",
    "scikit-learn: china (danielbuechele, CC BY 2.0), flower (vultilion, CC BY 2.0)",
)
LARGE_PHOTOS = (
    "CQ100 (Celebi and Pérez-Delgado 2023), 40 of its 100 pictures: CC0, public domain or CC BY, picture by picture",
    "Pixabay, photographs published there before 2019: CC0",
)
FLOWERS = (
    "TensorFlow's flower photographs, 736 of 3,670: CC BY 2.0, photographers one by one in its LICENSE.txt, "
    "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",
)


ALL_FLOWERS = (FLOWERS[0].replace("736 of 3,670", "all or some of 3,670"),)


def training_sources(rung: str, *, released: bool, small: bool = True) -> list[str]:
    """The field ``data`` of a model card.

    Args:
        rung: where the photographs came from, as `datasets.load_photographs` says.
        released: whether the maintainers train what is released: then the folder ``photos`` is theirs. In anybody
            else's lies what they put there.
        small: whether pictures of less than 300,000 pixels were used: the bundled photographs, and the flowers in the
            maintainers' folder.

    Returns:
        A line for each set or package: what was taken, whose it is, under which licence.
    """
    bundled = BUNDLED if small else ()
    if rung == "bundled-photographs":
        return list(bundled)
    if rung == "photos" and released:
        return [*bundled, *LARGE_PHOTOS, *(FLOWERS if small else ())]
    if rung == "flower_photos":
        return [*bundled, *ALL_FLOWERS]
    return [*bundled, f"Photographs of one's own ({rung}): whose they are and under which licence, their owner knows."]
