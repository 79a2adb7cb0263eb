"""The six scenes of the wall as data: what each shows and where it stands on each shape of screen. No numbers, no HTML.

A layout is drawn in words: columns as CSS writes them, and rows as (how many equal tracks high, names of the slots from
left to right). A slot that a layout does not name is not shown there. stages.py makes a style sheet of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cockpit.presentation import texts
from warehouse.catalog.schema import Metric

SHAPES = ("hd", "wide", "ultra")
"""16:9, 32:9 and 16:3."""
Rows = tuple[tuple[int, str], ...]


@dataclass(frozen=True)
class Slot:
    """One panel. name: its place in the layouts; kind: the macro that draws it; what: metric or programme it draws, ""
    for panels of one kind."""

    name: str
    kind: str
    what: str = ""


@dataclass(frozen=True)
class Layout:
    """Where the slots of a scene stand. over: slots that lie on the map and at which corner of it."""

    columns: str
    rows: Rows
    over: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """One scene. question: what it answers; map: what the map shows ("" – the scene has none); cards: metrics of the
    lower row."""

    label: str
    question: str
    slots: tuple[Slot, ...]
    layouts: dict[str, Layout]
    map: str = ""
    cards: tuple[str, ...] = ()
    programmes: bool = False


def _tiles(*metrics: str, names: str = "abcdefgh") -> tuple[Slot, ...]:
    return tuple(Slot(name, "tile", metric) for name, metric in zip(names, metrics, strict=False))


OVERVIEW = Scene(
    texts.SCENES["overview"],
    "车队现在怎样，哪里要人管？",
    (
        *_tiles(
            "fleet_online_rate",
            "fleet_network_rate",
            "fleet_km_per_vehicle_day",
            "dh_track_complete_rate",
            "safe_alarm_handled_rate",
            "mem_org_coverage_rate",
            "p5_red_heart_rate",
            "p3_appeal_ontime_rate",
        ),
        Slot("strip", "strip"),
        Slot("alarms", "alarms"),
        Slot("towns", "towns", "fleet_online_rate"),
        Slot("fast", "towns", "safe_overspeed_per_vehicle"),
        Slot("online", "trend", "fleet_online_rate"),
        Slot("handled", "trend", "safe_alarm_handled_rate"),
        Slot("sources", "sources"),
    ),
    {
        "hd": Layout(
            "436px 1fr 436px",
            ((4, "a strip e"), (2, "a map e"), (6, "b map f"), (6, "c map g"), (6, "d map h")),
            {"towns": "left top", "alarms": "left bottom"},
        ),
        "wide": Layout(
            "520px 600px 1fr 640px 520px",
            (
                (4, "a towns strip alarms e"),
                (2, "a towns map alarms e"),
                (6, "b towns map alarms f"),
                (6, "c towns map alarms g"),
                (6, "d towns map alarms h"),
            ),
        ),
        "ultra": Layout(
            "560px 760px 640px 1fr 680px 640px 560px",
            (
                (4, "a online towns strip alarms fast e"),
                (2, "a online towns map alarms fast e"),
                (2, "b online towns map alarms fast f"),
                (4, "b handled towns map alarms fast f"),
                (4, "c handled towns map alarms fast g"),
                (2, "c sources towns map alarms fast g"),
                (6, "d sources towns map alarms fast h"),
            ),
        ),
    },
    map="vehicles",
    programmes=True,
)

SAFETY = Scene(
    texts.SCENES["safety"],
    "哪些报警还没人处置，集中在哪里？",
    (
        *_tiles("safe_alarm_handled_rate", "safe_alarm_ontime_rate"),
        Slot("clock", "clock"),
        Slot("hours", "alarm_hours"),
        Slot("overdue", "overdue"),
        Slot("companies", "companies"),
        Slot("kinds", "kinds"),
        Slot("towns", "towns", "safe_alarm_handled_rate"),
        Slot("handled", "trend", "safe_alarm_handled_rate"),
        Slot("rate", "trend", "safe_alarm_per_1000km"),
        Slot("measures", "interventions"),
    ),
    {
        "hd": Layout(
            "436px 1fr 500px",
            (
                (6, "a map overdue"),
                (5, "b map overdue"),
                (1, "b map companies"),
                (3, "clock map companies"),
                (9, "clock hours companies"),
            ),
            {"kinds": "left top"},
        ),
        "wide": Layout(
            "520px 720px 1fr 620px 620px",
            (
                (6, "a hours map overdue towns"),
                (6, "b hours map overdue towns"),
                (12, "clock kinds map companies towns"),
            ),
        ),
        "ultra": Layout(
            "560px 760px 720px 1fr 680px 640px 640px",
            (
                (6, "a handled hours map overdue companies towns"),
                (6, "b handled hours map overdue companies towns"),
                (4, "clock rate kinds map overdue companies towns"),
                (8, "clock rate kinds map measures companies towns"),
            ),
        ),
    },
    map="heat",
    cards=(
        "safe_overspeed_per_vehicle",
        "safe_fatigue_sec_per_vehicle",
        "safe_alarm_per_1000km",
        "safe_dsm_top_rate",
        "safe_urge_done_rate",
        "safe_company_score",
        "safe_night_km_share",
        "safe_overlimit_per_100veh",
        "rdm_post_response_rate",
        "rdm_identity_match_rate",
    ),
)

DRIVERS = Scene(
    texts.SCENES["drivers"],
    "司机学了没有、查了没有、开得稳不稳？",
    (
        *_tiles("rdm_learning_done_rate", "rdm_pretrip_check_rate", "rdm_identity_match_rate", "rdm_coverage_rate"),
        Slot("bands", "bands"),
        Slot("score", "trend", "rdm_safety_score_avg"),
        Slot("measures", "interventions"),
        Slot("towns", "towns", "rdm_learning_done_rate"),
        Slot("checks", "towns", "rdm_pretrip_check_rate"),
        Slot("learning", "trend", "rdm_learning_done_rate"),
        Slot("pretrip", "trend", "rdm_pretrip_check_rate"),
        Slot("defects", "trend", "rdm_defect_fix_rate"),
        Slot("posts", "trend", "rdm_post_response_rate"),
    ),
    {
        "hd": Layout(
            "436px 1fr 1fr 436px",
            (
                (6, "a bands bands towns"),
                (6, "b bands bands towns"),
                (6, "c score measures towns"),
                (6, "d score measures towns"),
            ),
        ),
        "wide": Layout(
            "520px 1fr 1fr 620px 620px",
            (
                (6, "a bands measures towns checks"),
                (6, "b bands measures towns checks"),
                (6, "c score learning towns checks"),
                (6, "d score learning towns checks"),
            ),
        ),
        "ultra": Layout(
            "560px 1fr 1fr 1fr 1fr 640px 640px",
            (
                (6, "a bands bands measures learning towns checks"),
                (6, "b bands bands measures learning towns checks"),
                (6, "c score pretrip defects posts towns checks"),
                (6, "d score pretrip defects posts towns checks"),
            ),
        ),
    },
    cards=(
        "drv_driver_cnt",
        "drv_qualification_valid_rate",
        "drv_integrity_aaa_rate",
        "rdm_defect_fix_rate",
        "rdm_post_response_rate",
        "rdm_safety_score_avg",
        "rdm_high_risk_driver_cnt",
        "p4_checkup_rate",
        "p2_survey_done_rate",
        "p2_register_fresh_rate",
    ),
)

MEMBERS = Scene(
    texts.SCENES["members"],
    "组织建到哪里，人聚起来没有？",
    (
        *_tiles("mem_org_built_rate", "mem_org_coverage_rate", "mem_work_coverage_rate", "mem_union_member_rate"),
        Slot("pipeline", "pipeline"),
        Slot("hearts", "trend", "p5_red_heart_rate"),
        Slot("hours", "trend", "p5_volunteer_hours"),
        Slot("points", "points"),
        Slot("activities", "activities"),
        Slot("towns", "towns", "mem_org_coverage_rate"),
        Slot("work", "towns", "mem_work_coverage_rate"),
        Slot("users", "trend", "p5_mp_mau_rate"),
        Slot("union", "trend", "mem_union_member_rate"),
    ),
    {
        "hd": Layout(
            "436px 1fr 1fr 436px",
            (
                (6, "a pipeline hearts towns"),
                (5, "b pipeline hearts towns"),
                (1, "b activities hours towns"),
                (6, "c activities hours towns"),
                (6, "d points points towns"),
            ),
        ),
        "wide": Layout(
            "520px 1fr 1fr 620px 620px",
            (
                (6, "a pipeline hearts towns work"),
                (5, "b pipeline hearts towns work"),
                (1, "b activities hours towns work"),
                (6, "c activities hours towns work"),
                (6, "d points points towns work"),
            ),
        ),
        "ultra": Layout(
            "560px 1fr 1fr 1fr 640px 640px",
            (
                (6, "a pipeline hearts users towns work"),
                (5, "b pipeline hearts users towns work"),
                (1, "b activities hours union towns work"),
                (6, "c activities hours union towns work"),
                (6, "d points points points towns work"),
            ),
        ),
    },
    cards=(
        "mem_union_org_rate",
        "mem_youth_women_org_rate",
        "mem_party_share",
        "mem_lead_verified_rate",
        "p5_mp_register_rate",
        "p5_mp_mau_rate",
        "p5_red_heart_rate",
        "p5_points_redeem_rate",
        "p2_identity_show_rate",
        "p2_volunteer_join_rate",
    ),
)

PROGRAMMES = Scene(
    texts.SCENES["programmes"],
    "六项工程跟上序时进度了吗，卡在哪里？",
    (
        *(Slot(f"p{number}", "programme", str(number)) for number in range(1, 7)),
        Slot("items", "milestones"),
        Slot("units", "unit_tasks"),
        Slot("tasks", "trend", "p1_unit_task_ontime_rate"),
        Slot("done", "trend", "p3_warm_item_done_rate"),
    ),
    {
        "hd": Layout("1fr 1fr 1fr 520px", ((12, "p1 p2 p3 items"), (1, "p4 p5 p6 items"), (11, "p4 p5 p6 units"))),
        "wide": Layout("1fr 1fr 1fr 760px 640px", ((12, "p1 p2 p3 items units"), (12, "p4 p5 p6 items units"))),
        "ultra": Layout(
            "1fr 1fr 1fr 900px 760px 760px", ((12, "p1 p2 p3 items units tasks"), (12, "p4 p5 p6 items units done"))
        ),
    },
    cards=(
        "p3_warm_item_done_rate",
        "p1_unit_task_ontime_rate",
        "p1_visit_done_rate",
        "p1_six_one_rate",
        "p3_appeal_ontime_rate",
        "p4_relief_covered_rate",
        "p4_benefit_reach_cnt",
        "p6_award_cnt",
        "p6_beauty_driver_cnt",
        "p6_demo_org_cnt",
    ),
)

SITES = Scene(
    texts.SCENES["sites"],
    "阵地开着吗，司机来了吗，缺什么？",
    (
        *_tiles("site_visit_cnt", "site_open_rate", "site_base_service_rate", "site_satisfaction"),
        Slot("sites", "sites"),
        Slot("visits", "visit_hours"),
        Slot("weeks", "trend", "site_visit_cnt"),
        Slot("stars", "trend", "site_satisfaction"),
        Slot("open", "trend", "site_open_rate"),
    ),
    {
        "hd": Layout(
            "436px 1fr 640px",
            ((6, "a map sites"), (6, "b map sites"), (4, "c map sites"), (2, "c map visits"), (6, "d map visits")),
        ),
        "wide": Layout(
            "520px 760px 1fr 980px",
            ((6, "a visits map sites"), (6, "b visits map sites"), (6, "c weeks map sites"), (6, "d weeks map sites")),
        ),
        "ultra": Layout(
            "560px 860px 860px 1fr 1160px",
            (
                (6, "a visits stars map sites"),
                (6, "b visits stars map sites"),
                (6, "c weeks open map sites"),
                (6, "d weeks open map sites"),
            ),
        ),
    },
    map="sites",
    cards=(
        "site_reach_rate",
        "p5_mp_register_rate",
        "p5_mp_mau_rate",
        "p5_points_redeem_rate",
        "p5_volunteer_hours",
        "p4_benefit_reach_cnt",
        "p4_checkup_rate",
        "p1_three_send_cnt",
        "p3_appeal_ontime_rate",
        "p2_identity_show_rate",
    ),
)

SCENES = {
    "overview": OVERVIEW,
    "safety": SAFETY,
    "drivers": DRIVERS,
    "members": MEMBERS,
    "programmes": PROGRAMMES,
    "sites": SITES,
}
"""In the order in which they take turns."""


KINDS = ("tile", "towns", "trend")
"""Kinds of slots that show one metric."""
STRIP = ("fleet_vehicle_cnt", "fleet_company50_cnt", "fleet_running_now_cnt")
"""Metrics of the strip above the map."""
SCENE_OF = {
    "fleet": "overview",
    "safety": "safety",
    "driver": "drivers",
    "membership": "members",
    "programme": "programmes",
    "site": "sites",
    "health": "overview",
}
"""Group of a metric → the scene in whose lower row it stands when no layout names it."""


def metrics(scene: str, catalogue: Mapping[str, Metric]) -> tuple[str, ...]:
    """Every metric of the catalogue that has a tile, card, ranking or trend in that scene, in reading order, once."""
    named = [slot.what for slot in SCENES[scene].slots if slot.kind in KINDS]
    return tuple(name for name in dict.fromkeys([*named, *cards(scene, catalogue)]) if name in catalogue)


def cards(scene: str, catalogue: Mapping[str, Metric]) -> tuple[str, ...]:
    """The metrics of the scene's lower row. One whose file says show = ["wall"] and that no scene names leads the row of its group's
    scene: a new indicator is on the wall without a line of code."""
    placed = {slot.what for one in SCENES.values() for slot in one.slots} | {
        name for one in SCENES.values() for name in one.cards
    }
    new = [
        metric.id
        for metric in catalogue.values()
        if "wall" in metric.show and metric.id not in placed | set(STRIP) and SCENE_OF[metric.group] == scene
    ]
    return tuple(name for name in (*new, *SCENES[scene].cards) if name in catalogue)
