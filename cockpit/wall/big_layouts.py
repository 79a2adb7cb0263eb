"""大字版: the same scenes for a wall that is looked at from far away – on a smaller stage, which is drawn larger, so that
every text is. What there is no room for is left out, the lower row of cards among it; type never becomes smaller."""

from __future__ import annotations

from cockpit.wall.layouts import Layout

BIG: dict[str, dict[str, Layout]] = {
    "overview": {
        "hd": Layout("436px 1fr", ((4, "a strip"), (3, "a map"), (7, "e map"), (7, "c map"))),
        "wide": Layout(
            "520px 1fr 660px 520px",
            ((4, "a strip alarms e"), (3, "a map alarms e"), (7, "b map alarms f"), (7, "c map alarms h")),
        ),
        "ultra": Layout(
            "560px 480px 620px 1fr 680px 560px",
            (
                (4, "a towns online strip alarms e"),
                (3, "a towns online map alarms e"),
                (3, "b towns online map alarms f"),
                (4, "b towns handled map alarms f"),
                (7, "c towns handled map alarms h"),
            ),
        ),
    },
    "safety": {
        "hd": Layout("436px 1fr", ((1, "a overdue"), (1, "b overdue"), (1, "clock overdue"))),
        "wide": Layout(
            "520px 1fr 560px 560px",
            ((1, "a map overdue companies"), (1, "b map overdue companies"), (1, "clock map overdue companies")),
        ),
        "ultra": Layout(
            "560px 900px 1fr 560px 560px 480px",
            (
                (4, "a handled map overdue companies towns"),
                (2, "b handled map overdue companies towns"),
                (2, "b hours map overdue companies towns"),
                (4, "clock hours map overdue companies towns"),
            ),
        ),
    },
    "drivers": {
        "hd": Layout("436px 1fr", ((4, "a bands"), (2, "b bands"), (2, "b score"), (4, "c score"))),
        "wide": Layout(
            "520px 1fr 1fr 420px",
            (
                (4, "a bands measures towns"),
                (2, "b bands measures towns"),
                (2, "b score learning towns"),
                (4, "c score learning towns"),
            ),
        ),
        "ultra": Layout(
            "560px 1fr 1fr 1fr 460px 460px",
            (
                (4, "a bands measures learning towns checks"),
                (2, "b bands measures learning towns checks"),
                (2, "b score pretrip defects towns checks"),
                (4, "c score pretrip defects towns checks"),
            ),
        ),
    },
    "members": {
        "hd": Layout("436px 1fr", ((4, "a pipeline"), (2, "b pipeline"), (2, "b hearts"), (4, "c hearts"))),
        "wide": Layout(
            "520px 1fr 1fr 420px",
            (
                (4, "a pipeline activities towns"),
                (2, "b pipeline activities towns"),
                (2, "b hearts hours towns"),
                (4, "c hearts hours towns"),
            ),
        ),
        "ultra": Layout(
            "560px 1fr 1fr 1fr 460px 460px",
            (
                (4, "a pipeline activities hearts towns work"),
                (2, "b pipeline activities hearts towns work"),
                (2, "b points hours users towns work"),
                (4, "c points hours users towns work"),
            ),
        ),
    },
    "programmes": {
        "hd": Layout("1fr 1fr 1fr", ((1, "p1 p2 p3"), (1, "p4 p5 p6"))),
        "wide": Layout("1fr 1fr 1fr 680px", ((1, "p1 p2 p3 items"), (1, "p4 p5 p6 units"))),
        "ultra": Layout(
            "1fr 1fr 1fr 640px 560px 640px", ((1, "p1 p2 p3 items units tasks"), (1, "p4 p5 p6 items units done"))
        ),
    },
    "sites": {
        "hd": Layout("436px 1fr", ((1, "a sites"), (1, "b sites"), (1, "d sites"))),
        "wide": Layout("520px 1fr 760px", ((1, "a map sites"), (1, "b map sites"), (1, "d map sites"))),
        "ultra": Layout(
            "560px 640px 1fr 900px", ((1, "a visits map sites"), (1, "b visits map sites"), (1, "d weeks map sites"))
        ),
    },
}
"""Scene → shape → where its slots stand."""
