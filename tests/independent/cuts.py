"""By what the KPIs are cut besides places, a second time: whose each row behind a KPI is."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from tests.independent import ledgers, text
from tests.independent.oracle import Oracle
from tests.independent.tally import DISTRICT, KPIS, Data, Parts
from tests.independent.windows import Span

Names = Callable[[Data, pd.DataFrame, pd.Timestamp], pd.Series]


def column(name: str) -> Names:
    """What stands in a column."""
    return lambda data, frame, day: frame[name]


def energy(data: Data, frame: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """New energy by plate or code, diesel, or another."""
    new = frame["plate_color"].map(text.colour).isin({93, 94}) | (frame["energy_code"] == "C")
    found = pd.Series("其他", index=frame.index).where(frame["energy_code"] != "B", "柴油")
    return found.where(~new, "新能源")


def vehicle_class(data: Data, frame: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """Dangerous goods by the owner's scope, else freight."""
    return frame["company"].isin(data.people.hazmat).map({True: "hazmat", False: "freight"})


def employer(data: Data, frame: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """Employed by an enterprise, or self-employed."""
    return (frame["owner_type"] == "企业").map({True: "企业聘用", False: "个体"})


def age_band(data: Data, frame: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """Ten years each, by the year of birth."""
    age = day.year - pd.to_numeric(frame["birth_year"]).astype(float)
    labels = ["30岁以下", "30–39岁", "40–49岁", "50–59岁", "60岁及以上"]
    return pd.cut(age, [-1, 29, 39, 49, 59, 200], labels=labels).astype(object)


def stage(data: Data, frame: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """The stage on the way to membership."""
    names = {rank: name for name, rank in ledgers.RANKS.items()}
    return frame["rank"].map(names)


def unit(data: Data, frame: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """The member unit's name in the bureau's list, else in the ledger's."""
    names: dict[str, str] = {}
    for table in ("own_unit", "pb_unit"):
        for key, name in data.rows.current(table)[["unit_id", "name"]].itertuples(index=False):
            names.setdefault(key, name)
    return frame["unit_id"].map(lambda key: names.get(key, key))


def warm_item(data: Data, frame: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """Number and title of the item, the bureau's name where the year's list has none."""
    items = data.rows.current("pj_item")
    titles = {(row.year, row.item_no): row.title for row in items.itertuples()}
    own = dict(data.rows.current("own_warm_item")[["item_no", "name"]].itertuples(index=False))
    names = []
    for year, number in zip(frame["year"], frame["item_no"], strict=True):
        title = titles.get((year, number))
        title = title if not text.absent(title) and title else own.get(number)
        names.append(f"{number} {title if not text.absent(title) else '(待局确认)'}")
    return pd.Series(names, index=frame.index, dtype=object)


def holder_type(data: Data, frame: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """A person or a group."""
    plain = frame["person_key"].isna().map({True: "集体", False: "个人"})
    return frame["holder_type"].where(frame["holder_type"].notna(), plain)


def alarm_name(data: Data, frame: pd.DataFrame, day: pd.Timestamp) -> pd.Series:
    """What the own profile calls the alarm."""
    return frame["name"].where(frame["name"].notna(), "其他")


CUTS: dict[tuple[str, str], Names] = {
    ("fleet_vehicle_cnt", "energy"): energy,
    ("fleet_vehicle_cnt", "vehicle_class"): vehicle_class,
    ("fleet_new_energy_rate", "vehicle_class"): vehicle_class,
    ("fleet_online_rate", "energy"): energy,
    ("fleet_online_rate", "vehicle_class"): vehicle_class,
    ("fleet_km_per_vehicle_day", "energy"): energy,
    ("fleet_km_per_vehicle_day", "vehicle_class"): vehicle_class,
    ("safe_fatigue_sec_per_vehicle", "vehicle_class"): vehicle_class,
    ("safe_dsm_top_rate", "name"): alarm_name,
    ("safe_dsm_top_rate", "profile"): column("profile"),
    ("drv_driver_cnt", "employer"): employer,
    ("drv_driver_cnt", "sex"): column("sex"),
    ("drv_driver_cnt", "age_band"): age_band,
    ("mem_pipeline_cnt", "stage"): stage,
    ("p1_three_send_cnt", "act_type"): column("act_type"),
    ("p1_unit_task_ontime_rate", "unit"): unit,
    ("p3_warm_item_done_rate", "item"): warm_item,
    ("p3_ecert_rate", "cert_type"): column("cert_type"),
    ("p3_overlimit_auto_rate", "permit_class"): column("permit_class"),
    ("p3_overlimit_ontime_rate", "permit_class"): column("permit_class"),
    ("p3_overlimit_ontime_rate", "scope"): column("scope"),
    ("p3_appeal_ontime_rate", "category"): column("category"),
    ("p3_appeal_ontime_rate", "channel"): column("channel"),
    ("p4_benefit_reach_cnt", "type"): column("type"),
    ("p5_points_redeem_rate", "channel"): column("channel"),
    ("p6_award_cnt", "level"): column("level"),
    ("p6_award_cnt", "holder_type"): holder_type,
    ("p6_beauty_driver_cnt", "level"): column("level"),
    ("site_open_rate", "name"): column("name"),
    ("site_visit_cnt", "name"): column("name"),
    ("site_visit_cnt", "visit_method"): column("method"),
    ("site_base_service_rate", "name"): column("name"),
    ("dh_key_quality_rate", "table_name"): column("table_name"),
    ("dh_platform_link_rate", "platform_id"): column("platform_id"),
}


def members(oracle: Oracle, identifier: str, name: str, span: Span, place: str = DISTRICT) -> dict[str, Parts]:
    """Member of a cut → (num, den) at a place."""
    own = KPIS[identifier]
    rows = oracle.spread(own, span)
    if not len(rows.frame):
        return {}
    names = CUTS[identifier, name](oracle.data, rows.frame, span.last)
    return rows.members(names, place)
