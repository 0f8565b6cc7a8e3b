"""Released weights: their files, their model cards, and the lookup that checks them.

Code of networks is in `networks`; this package holds ``NAME.weights.h5`` with ``NAME.json`` beside it, the model
card: what the weights are for, what they were trained on and with which licences, how, and how good they are.
A lesson's ``release`` run writes both.
"""

import hashlib
import importlib
import json
from pathlib import Path
from typing import Any

import keras

from gan_lib.files import expanded, whole_files

FOLDER = Path(__file__).parent
CARD_FIELDS = ("name", "purpose", "network", "parameters", "data", "training", "measures", "limits", "licence")


class WeightsError(ValueError):
    """Weights are missing, damaged, or do not fit their network."""


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def model_card(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """The model card of released weights.

    Args:
        name: such as "digit_classifier".
        folder: where the card lies, by default the package's own.

    Returns:
        The card's fields, those of `CARD_FIELDS` and ``sha256``.

    Raises:
        WeightsError: if there is no such card, or it is damaged.
    """
    path = Path(folder) / f"{name}.json"
    if not path.exists():
        known = ", ".join(sorted(card.stem for card in Path(folder).glob("*.json"))) or "none"
        raise WeightsError(f"There are no released weights named {name!r}. Known here: {known}.")
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
        missing = [field for field in (*CARD_FIELDS, "sha256") if field not in card]
    except (ValueError, TypeError) as error:
        raise WeightsError(f"The card {path.name} is damaged: {error}. Install the course again.") from error
    if missing:
        raise WeightsError(f"The card {path.name} lacks {', '.join(missing)}. Install the course again.")
    return card


def load_released(model: keras.Model, name: str, folder: Path = FOLDER) -> keras.Model:
    """Loads released weights into a network, after their sha256 has been checked against the model card.

    Args:
        model: the network that the card names, freshly built.
        name: such as "digit_classifier".
        folder: where weights and card lie, by default the package's own.

    Returns:
        The same model, with the weights.

    Raises:
        WeightsError: if the file is missing, its sha256 differs, or it does not fit the network, which then keeps
            the weights that it had.
    """
    card = model_card(name, folder)
    path = Path(folder) / f"{name}.weights.h5"
    if not path.exists():
        raise WeightsError(f"The card of {name} is here, but {path.name} is missing. Install the course again.")
    found = _sha256(path)
    if found != card["sha256"]:
        raise WeightsError(
            f"{path.name} has sha256 {found[:12]}..., but its card says {card['sha256'][:12]}...: the file is "
            "damaged or not the released one. Install the course again, or fetch Git-LFS files if you cloned with LFS."
        )
    # Keras loads a file into a network that lacks its last layers without a word.
    if model.count_params() != card["parameters"]:
        raise WeightsError(
            f"{path.name} does not fit the network {model.name}: it holds {card['parameters']} weights, the network "
            f"has {model.count_params()}. Build the network that the card names."
        )
    before = model.get_weights()
    try:
        model.load_weights(path)
    except Exception as error:  # Keras raises whatever the file's reader raises
        model.set_weights(before)  # it may have come half way
        raise WeightsError(f"{path.name} does not fit the network {model.name}: {error}") from error
    return model


def build(card: dict[str, Any]) -> keras.Model:
    """Builds the network that a model card names, with fresh weights.

    Args:
        card: with ``"builder"``, such as ``{"function": "denoiser.denoiser", "arguments": {"channels": 48}}``: a
            module of `gan_lib.networks`, one of its functions, and what it is called with.

    Raises:
        WeightsError: if the card names no builder, or one that is not there.
    """
    try:
        module, function = card["builder"]["function"].split(".")
        builder = getattr(importlib.import_module(f"gan_lib.networks.{module}"), function)
        return builder(**card["builder"]["arguments"])
    except (KeyError, ValueError, TypeError, AttributeError, ImportError) as error:
        raise WeightsError(
            f"The card of {card.get('name')} names no network that can be built here ({error}). "
            'Expected "builder": {"function": "MODULE.FUNCTION", "arguments": {...}}.'
        ) from error


def load_model(source: str | Path, *, precision: str | None = None) -> tuple[keras.Model, dict[str, Any]]:
    """A network with weights: a released one, or a file that a lesson left, with its card beside it.

    Args:
        source: a released name such as "denoiser", or the path of a ``NAME.weights.h5`` with ``NAME.json`` beside it.
        precision: the policy to build it with, such as "float32" where results must not depend on the machine; the
            one that is set if None.

    Returns:
        The network and its model card.

    Raises:
        WeightsError: if weights or card are missing or damaged, or do not fit each other.

    Example:
        >>> model, card = load_model("denoiser")
    """
    name, folder = str(source), FOLDER
    if name.endswith(".weights.h5"):
        path = expanded(source)
        if not path.is_file():
            raise WeightsError(f"There is no file {path} (looked in {Path.cwd()} if the path is relative).")
        name, folder = path.name.removesuffix(".weights.h5"), path.parent
    elif Path(name).suffix or len(Path(name).parts) > 1:
        raise WeightsError(f"Weights called {name} came; a released name or a file NAME.weights.h5 was expected.")
    card = model_card(name, folder)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision or policy)  # a network takes the policy that is set when it is built
    try:
        return load_released(build(card), name, folder), card
    finally:
        keras.config.set_dtype_policy(policy)


def save_released(model: keras.Model, name: str, card: dict[str, Any], folder: Path = FOLDER) -> Path:
    """Writes weights and their model card, each whole or not at all.

    Args:
        model: the trained network.
        name: what the files are called.
        card: the fields of `CARD_FIELDS` but ``name`` and ``parameters``, which are filled in.
        folder: where to write.

    Returns:
        The path of the weights.

    Raises:
        ValueError: if the card lacks a field.
        OSError: if the disk is full or the folder cannot be written; nothing half-written stays.
    """
    card = {"name": name, "parameters": model.count_params(), **card}
    missing = [field for field in CARD_FIELDS if field not in card]
    if missing:
        raise ValueError(f"The card of {name} lacks {', '.join(missing)}. A released weight needs each of these.")
    weights, text = Path(folder) / f"{name}.weights.h5", Path(folder) / f"{name}.json"
    # Both are written before either takes its place, so that a card never describes other weights.
    with whole_files([weights, text]) as (new_weights, new_text):
        model.save_weights(new_weights)
        card["sha256"] = _sha256(new_weights)
        new_text.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return weights
