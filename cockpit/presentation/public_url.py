"""How the cockpit is reached from where its papers and messages are read: option `public_url` of zhengbei.toml."""

from __future__ import annotations

from warehouse.core.settings import Settings


def base(settings: Settings) -> str:
    """The address without a slash at its end; "" when none is set."""
    return settings.options.public_url.rstrip("/")
