"""Figures that stand beside a KPI, a second time: by KPI and label, from the rows behind the KPI or rows of their
own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from tests.independent import care, ledgers, programmes, safety, sites, text
from tests.independent.population import day_of, true
from tests.independent.tally import KPIS, Data, Number, Spread, Total, spread
from tests.independent.windows import Span

if TYPE_CHECKING:
    from tests.independent.oracle import Oracle

Side = Callable[["Oracle", Span], Spread]
SIDES: dict[tuple[str, str], Side] = {}
COUNTS: set[tuple[str, str]] = set()
"""Those that are sums or counts: none of a thing is 0."""


def side(oracle: Oracle, identifier: str, label: str, span: Span, place: str) -> float | None:
    """A side value at a place; None where nothing is known of it."""
    if (identifier, label) not in SIDES:
        return None
    found = oracle.remember(("side", identifier, label, span), lambda: SIDES[identifier, label](oracle, span).places())
    if place not in found.index:
        return None
    num, den = found.at[place, "num"], found.at[place, "den"]
    return float(num) if pd.isna(den) else float(num / den) if den else None


def enter(identifier: str, *labels: str, is_count: bool = True) -> Callable[[Callable[..., Spread]], Any]:
    """Enters a function (oracle, span, label) as side values of a KPI."""

    def take(make: Callable[..., Spread]) -> Callable[..., Spread]:
        for label in labels:
            SIDES[identifier, label] = lambda oracle, span, label=label: make(oracle, span, label)  # type: ignore[misc]
            if is_count:
                COUNTS.add((identifier, label))
        return make

    return take


def behind(oracle: Oracle, identifier: str, span: Span) -> pd.DataFrame:
    """The rows behind a KPI."""
    return oracle.spread(KPIS[identifier], span).frame


# -- fleet ----------------------------------------------------------------------------------------------------------


@enter("fleet_vehicle_cnt", "挂车")
def trailers(oracle: Oracle, span: Span, label: str) -> Spread:
    """Trailers of a known owner, whatever their status."""
    frame = oracle.data.people.register(span.last)
    frame = frame[frame["trailer"] & frame["company"].notna() & frame["town"].map(oracle.data.rows.towns.inside)]
    return spread(frame, Number("vehicle"))


@enter("fleet_company_cnt", "企业", "个体")
def kinds(oracle: Oracle, span: Span, label: str) -> Spread:
    """C of one kind."""
    frame = oracle.data.people.licensed(span.last)
    return spread(frame[frame["owner_type"] == label], Number("company"))


@enter("fleet_company50_cnt", "重型50辆以上")
def heavy(oracle: Oracle, span: Span, label: str) -> Spread:
    """C50 by VH: the statutory duty."""
    return spread(oracle.data.people.heavy(span.last), Number("company"))


@enter("fleet_diesel_g4_rate", "阶段不明")
def unknown_stage(oracle: Oracle, span: Span, label: str) -> Spread:
    """Diesel V whose stage nobody knows."""
    frame = oracle.data.people.trucks(span.last)
    return spread(frame[(frame["energy_code"] == "B") & frame["emission_stage"].isna()], Number("vehicle"))


@enter("fleet_running_now_cnt", "停车在线", "离线")
def not_running(oracle: Oracle, span: Span, label: str) -> Spread:
    """V heard of in the last ten minutes that do not run, and the others."""
    frame = behind(oracle, "fleet_running_now_cnt", span)
    chosen = frame["fresh"] & ~frame["good"] if label == "停车在线" else ~frame["fresh"]
    return spread(frame[chosen], Number("vehicle"))


@enter("fleet_online_rate", "未入网（不计）", "报停（不计）")
def left_out(oracle: Oracle, span: Span, label: str) -> Spread:
    """V that were in the denominator on no day: never networked, or on approved stop on each day on which they were."""
    frame = oracle.data.people.fleet_days(max(span.first, oracle.history), span.last).drop(columns="pts")
    networked = set(frame.loc[frame["vn"], "vehicle"])
    due = set(frame.loc[frame["vn"] & ~frame["stopped"], "vehicle"])
    out = ~frame["vehicle"].isin(networked) if label.startswith("未入网") else frame["vehicle"].isin(networked - due)
    return spread(frame[out], Number("vehicle"))


# -- safety ---------------------------------------------------------------------------------------------------------

MODULE = {"ADAS一级": (100, 1), "ADAS二级": (100, 2), "DSM一级": (101, 1), "DSM二级": (101, 2)}


@enter("safe_alarm_per_1000km", *MODULE)
def device_kinds(oracle: Oracle, span: Span, label: str) -> Spread:
    """Device alarms of one module and level on the same vehicle-days; one without a level is of the first."""
    rang, (module, level) = safety.device_alarms(oracle.data), MODULE[label]
    rang = rang[(rang["module"] == module) & (pd.to_numeric(rang["level"]).astype(float).fillna(1) == level)]
    number = rang.groupby(["vehicle", "day"]).size().rename("n").reset_index()
    frame = safety.equipped_days(oracle.data, span.first, span.last).drop(columns="pts")
    return spread(frame.merge(number, on=["vehicle", "day"], how="left"), Total("n"))


@enter("safe_urge_done_rate", "紧急", "一般")
def urgent(oracle: Oracle, span: Span, label: str) -> Spread:
    """Urges due of one level: 0 urgent, the others ordinary."""
    frame = behind(oracle, "safe_urge_done_rate", span)
    level = pd.to_numeric(frame["level"]).astype(float)
    return spread(frame[(level == 0) if label == "紧急" else (level.notna() & (level != 0))], Number("urge_id"))


# -- drivers --------------------------------------------------------------------------------------------------------


@enter("drv_integrity_aaa_rate", "B级")
def grade_b(oracle: Oracle, span: Span, label: str) -> Spread:
    """Graded P45 with a B."""
    frame = behind(oracle, "drv_integrity_aaa_rate", span)
    return spread(frame[frame["due"].astype(bool) & (frame["integrity_grade"] == "B")], Number("person_key"))


@enter("rdm_identity_match_rate", "全部行程")
def trips(oracle: Oracle, span: Span, label: str) -> Spread:
    """Trips of V, recognised or not."""
    return spread(oracle.data.people.fleet_days(span.first, span.last).drop(columns="pts"), Total("trip_cnt"))


@enter("rdm_safety_score_avg", "厂商评分", is_count=False)
def vendor(oracle: Oracle, span: Span, label: str) -> Spread:
    """Mean of the vendor's score weighted with kilometres."""

    def count(part: pd.DataFrame) -> tuple[float, float]:
        once = part.drop_duplicates("person_key").astype({"vendor": float, "km": float})
        return float((once["vendor"] * once["km"]).sum()), float(once["km"].sum())

    return spread(behind(oracle, "rdm_safety_score_avg", span), count)


# -- membership -----------------------------------------------------------------------------------------------------


@enter("mem_party_driver_cnt", "线索")
def open_leads(oracle: Oracle, span: Span, label: str) -> Spread:
    """P whom the ledger has as a lead that is not resolved."""
    frame = oracle.data.people.ledger(span.last)
    frame = frame[frame["verify_status"] == "lead"][["person_key"]]
    return spread(oracle.data.people.drivers(span.last).merge(frame, on="person_key"), Number("person_key"))


@enter("mem_lead_verified_rate", "确认")
def confirmed(oracle: Oracle, span: Span, label: str) -> Spread:
    """Leads that were confirmed."""
    frame = oracle.data.people.ledger(span.last)
    frame = frame[frame["lead_source"].notna() & (frame["verify_status"] == "confirmed")][["person_key"]]
    return spread(oracle.data.people.drivers(span.last).merge(frame, on="person_key"), Number("person_key"))


@enter("mem_pipeline_cnt", *ledgers.RANKS)
def stage(oracle: Oracle, span: Span, label: str) -> Spread:
    """Persons on the way that are at one stage."""
    frame = behind(oracle, "mem_pipeline_cnt", span)
    return spread(frame[frame["rank"] == ledgers.RANKS[label]], Number("person_key"))


@enter("mem_youth_women_org_rate", "有妇女组织")
def women(oracle: Oracle, span: Span, label: str) -> Spread:
    """C50 with a women's organisation."""
    frame = oracle.data.people.big(span.last)
    return spread(frame[frame["company"].isin(ledgers.unions(oracle.data, span.last, {"妇"}))], Number("company"))


# -- programmes -----------------------------------------------------------------------------------------------------


@enter("p1_three_send_cnt", "参加人次", "送书册数")
def attendance(oracle: Oracle, span: Span, label: str) -> Spread:
    """People who came, books that were given."""
    column = "attend_cnt" if label == "参加人次" else "book_cnt"
    frame = behind(oracle, "p1_three_send_cnt", span)
    return spread(frame.assign(n=pd.to_numeric(frame[column]).astype(float)), Total("n"))


@enter("p4_pairing_rate", "平均结对天数", is_count=False)
def days_to_pair(oracle: Oracle, span: Span, label: str) -> Spread:
    """Mean of the days from a case's opening to its first pairing, over the cases that are paired."""
    pairs = oracle.data.rows.current("wf_pairing")
    first = day_of(pairs["from_date"]).groupby(pairs["case_id"]).min()
    frame = behind(oracle, "p4_pairing_rate", span)
    frame = frame[frame["good"]].assign(
        waited=lambda part: (part["case_id"].map(first) - day_of(part["opened_at"])).dt.days
    )

    def count(part: pd.DataFrame) -> tuple[float, float]:
        once = part.drop_duplicates("case_id")
        return float(once["waited"].sum()), float(len(once))

    return spread(frame, count)


@enter("p4_benefit_reach_cnt", "去重人数")
def guests(oracle: Oracle, span: Span, label: str) -> Spread:
    """Different people who came; of a member of a family each entry is one."""
    frame = behind(oracle, "p4_benefit_reach_cnt", span)
    who = frame["person_key"].where(frame["person_key"].notna(), frame["entry"])
    return spread(frame.assign(who=who), Number("who"))


@enter("p5_red_heart_rate", "非党员点亮（待核实）")
def lit_by_others(oracle: Oracle, span: Span, label: str) -> Spread:
    """P with a lit heart that are no members."""
    data = oracle.data
    frame, members = data.people.drivers(span.last), set(data.people.members(span.last)["person_key"])
    lit = ledgers.lit(data, span.last) - members
    return spread(frame[frame["person_key"].isin(lit)], Number("person_key"))


@enter("p5_points_redeem_rate", "发放", "兑换", "过期", "结余变化", "账面与流水差额")
def points(oracle: Oracle, span: Span, label: str) -> Spread:
    """The ledger's bar that must balance: issued − redeemed − expired = what the balances moved."""
    frame = care.ledger_entries(oracle.data, span.first, span.last)
    column = {"发放": "issued", "兑换": "spent", "过期": "expired", "结余变化": "moved", "账面与流水差额": "gap"}[label]
    return spread(frame, Total(column), levels=("district",))


@enter("p6_beauty_driver_cnt", "提名")
def nominated(oracle: Oracle, span: Span, label: str) -> Spread:
    """Persons nominated in the year."""
    frame = care.honours(oracle.data, span.first, span.last, "提名")
    frame = frame[(frame["award_code"] == "最美货车司机") & frame["person_key"].notna()]
    return spread(frame, Number("person_key"))


@enter("p6_demo_org_cnt", "培育")
def candidates(oracle: Oracle, span: Span, label: str) -> Spread:
    """Organisations in cultivation."""
    return spread(care.demo_orgs(oracle.data, span.last, "培育"), Number("org_id"))


# -- sites and data -------------------------------------------------------------------------------------------------

NINE = {"FUEL", "SHOP", "DINING", "REPAIR", "WIFI", "PARK", "REST", "LODGING", "LAUNDRY"}


@enter("site_base_service_rate", "九项服务可用", "九项服务应有")
def nine(oracle: Oracle, span: Span, label: str) -> Spread:
    """The announcement's nine services of the sites in use: available, and nine a site."""
    ready = sites.facilities(oracle.data, span.last)
    frame = behind(oracle, "site_base_service_rate", span)
    have = [float(len(NINE & ready.get(site, set()))) for site in frame["site_id"]]
    return spread(frame.assign(n=have if label == "九项服务可用" else 9.0), Total("n"), levels=sites.LEVELS)


@enter("site_open_rate", "未上报的阵地日")
def silent_sites(oracle: Oracle, span: Span, label: str) -> Spread:
    """Days of sites in use of which nothing was reported."""
    frame = behind(oracle, "site_open_rate", span)
    return spread(frame.assign(n=frame["silent"].astype(float)), Total("n"), levels=sites.LEVELS)


@enter("dh_platform_link_rate", "未上报的平台日")
def silent_platforms(oracle: Oracle, span: Span, label: str) -> Spread:
    """Days of platforms of which nothing was reported."""
    frame = behind(oracle, "dh_platform_link_rate", span)
    return spread(frame.assign(n=frame["silent"].astype(float)), Total("n"), levels=("district",))


@enter("dh_register_diff_rate", "名录里没有的企业")
def unlisted(oracle: Oracle, span: Span, label: str) -> Spread:
    """C50 that the register of 50+ companies does not name."""
    frame = behind(oracle, "dh_register_diff_rate", span)
    listed = set(programmes.register(oracle.data, span.last)["company"])
    return spread(frame[~frame["company"].isin(listed)], Number("company"))


__all__ = ["COUNTS", "SIDES", "Data", "side", "text", "true"]
