"""``emotiond models``: lists the models."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from emotiond.inference.card import load_card
from emotiond.streamer.commands.command import Command
from emotiond.streamer.commands.flags import add_json
from emotiond.streamer.commands.table import print_table


def models(options: dict[str, Any]) -> int:
    """``emotiond models``: the bundled models and what their cards say."""
    from emotiond.inference.catalog import bundled_models

    cards = []
    for path in bundled_models():
        card = load_card(path.with_suffix(".json"))
        cards.append((card, path.stat().st_size))
    if options["json"]:
        found = [{**asdict(card), "size_bytes": size} for card, size in cards]
        print(json.dumps({"models": found}, ensure_ascii=False, indent=1))
        return 0
    print_table(
        ("model", "accuracy", "size", "weights", "description"),
        [
            (
                card.name,
                _percent(card.evaluation.get("accuracy")),
                f"{size / 1e6:.1f} MB",
                card.licence.weights,
                card.description,
            )
            for card, size in cards
        ],
    )
    return 0


def _percent(share: object) -> str:
    return f"{share:.1%}" if isinstance(share, float) else "?"


MODELS = Command("models", "list the models", add_json, models)
