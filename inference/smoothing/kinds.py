"""The table of all kinds of smoothers. A card names one of them."""

from __future__ import annotations

from emotiond.inference.smoothing.hmm_smoother import HmmSettings
from emotiond.inference.smoothing.protocols import SmootherSettings

SMOOTHERS: dict[str, type[SmootherSettings]] = {"hmm": HmmSettings}
"""From the ``kind`` in a card to the settings, which make the smoother."""
