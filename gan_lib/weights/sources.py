"""What released weights were trained on: public name, credits and licence of each set, for model cards.

Never in here: loading those sets; `data/README.md` says more about each.
"""

BUNDLED = (
    "scikit-image: astronaut (NASA, public domain), brick and gravel (CC0Textures, CC0), coffee (Rachel Michetti, "
    "CC0), coins (Brooklyn Museum, no known copyright restrictions), grass (linolafett, CC0), text (Wikipedia, public "
    "domain)",
    "scikit-learn: china (danielbuechele, CC BY 2.0), flower (vultilion, CC BY 2.0)",
)
PHOTOS = (
    "CQ100 (Celebi and Pérez-Delgado 2023), 40 of its 100 pictures: CC0, public domain or CC BY, picture by picture",
    "Pixabay, 111 photographs published before 2019: CC0",
    "TensorFlow's flower photographs, 736 of 3,670: CC BY 2.0, photographers one by one in its LICENSE.txt, "
    "https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",
)


def training_sources(*, photos: bool) -> list[str]:
    """The field ``data`` of a model card: the bundled photographs, and the maintainers' folder ``photos`` if it was
    used too."""
    return [*BUNDLED, *(PHOTOS if photos else ())]
