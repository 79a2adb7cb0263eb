"""Alerts from a measurement to a letter: each fires after its time, once, does not flutter, climbs the roster, is taken,
silenced and taken back; against a real mail server, whatever dies when."""

from __future__ import annotations

import datetime as dt
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient

from cockpit.alerts import outbox, rules, store, watch
from cockpit.alerts.probes import HEALTH_PROBES, Sign
from cockpit.alerts.rules import HEALTH, Plan, Rule, Shift
from cockpit.web import alert_commands
from etl.jobs import alerts as job
from etl.runtime.context import opened
from tests.cockpit.report.test_delivery import Mail
from tests.cockpit.signing_in import SAME_ORIGIN
from tests.depth import depth
from warehouse.core import beats, request_queue, shared_state
from warehouse.core.errors import ConfigError, PageMissing, UsageError
from warehouse.core.settings import Settings
from warehouse.core.units import SHANGHAI
from warehouse.query.scope import Scope
from warehouse.query.snapshot_store import SnapshotStore

MONDAY = dt.datetime(2026, 11, 23, 3, 0, tzinfo=SHANGHAI).timestamp()
"""03:00, in the quiet hours of most houses."""
RESTARTS = depth(4, 50)
ROSTER = """
quiet = "22:00-07:00"
escalate_s = 600
[[duty]]
to = "值班手机"
hours = "00:00-24:00"
[[duty]]
to = "值班领导"
level = 2
"""


class Clock:
    def __init__(self, at: float = MONDAY) -> None:
        self.at = at

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def mail() -> Iterator[Mail]:
    made = Mail()
    yield made
    made.stop()


@pytest.fixture
def settings(tmp_path: Path, mail: Mail) -> Settings:
    made = Settings(tmp_path / "data")
    made.data.mkdir()
    (made.data / "delivery.toml").touch(0o600)
    receivers = "".join(
        f'[[to]]\nname = "{name}"\nkind = "mail"\naddress = "{address}@yuhang.example"\n'
        for name, address in (("值班手机", "duty"), ("值班领导", "head"), ("局长", "chief"))
    )
    server = f'[mail]\nhost = "127.0.0.1"\nport = {mail.port}\nsender = "cockpit@yuhang.example"\n'
    (made.data / "delivery.toml").write_text(server + receivers, "utf-8")
    (made.data / "alerts.toml").write_text(ROSTER, "utf-8")
    beats.beat(made.state, beats.LOADER, MONDAY)
    return made


@pytest.fixture
def round_(settings: Settings) -> Callable[..., list[str]]:
    clock, library = Clock(), SnapshotStore(settings.data)

    def run(after_s: float = 0, *, loader: bool = False, in_place: bool = False) -> list[str]:
        """One round so many seconds after the last one; loader: it has given a sign of life just now."""
        clock.at += after_s
        if loader:
            beats.beat(settings.state, beats.LOADER, clock.at)
        return watch.once(settings, library, in_place=in_place, now=clock)

    return run


def subjects(mail: Mail) -> list[tuple[str, str]]:
    return [(one["To"].partition("@")[0], one["Subject"]) for one in mail.accepted]


# ---- states ----------------------------------------------------------------------------------------------------------


def entered(settings: Settings, rule: Rule, *values: tuple[float, float | None]) -> list[tuple[int, int]]:
    """Values of one subject at these seconds: how many fired and ended at each."""
    found = []
    for at, value in values:
        with shared_state.opened(settings.state) as connection, shared_state.transaction(connection):
            changes = store.apply(connection, rule, [Sign("x", "某处", value, f"值 {value}")], at)
        found.append((len(changes.fired), len(changes.ended)))
    return found


RULE = Rule(id="low", label="偏低", watch="disk_free_share", below=0.9, clear=0.92, for_s=60)


def test_it_fires_after_its_time_and_ends_only_when_the_value_is_back(settings: Settings) -> None:
    store.standing(settings.state)
    steps = [(0, 0.95), (30, 0.89), (60, 0.5), (90, 0.89), (120, 0.91), (150, 0.9199), (180, 0.92)]
    assert entered(settings, RULE, *steps) == [(0, 0), (0, 0), (0, 0), (1, 0), (0, 0), (0, 0), (0, 1)]
    (one,) = store.past(settings.state)
    assert (one.since, one.fired_at, one.ended_at, one.label) == (30, 90, 180, "偏低 · 某处")


def test_a_saw_tooth_fires_once_and_what_does_not_last_not_at_all(settings: Settings) -> None:
    store.standing(settings.state)
    teeth = [(float(at), 0.88 if at // 30 % 2 else 0.93) for at in range(0, 3600, 30)]
    assert sum(fired for fired, _ in entered(settings, RULE, *teeth)) == 0, "never for a minute"
    narrow = [(float(at), 0.88 if at // 120 % 2 else 0.91) for at in range(3600, 7200, 30)]
    assert [sum(column) for column in zip(*entered(settings, RULE, *narrow), strict=True)] == [1, 0]


def test_at_the_threshold_nothing_fires_and_a_second_beyond_it_does(settings: Settings) -> None:
    store.standing(settings.state)
    at_once = Rule(id="high", label="偏高", watch="job_age_s", above=10)
    assert entered(settings, at_once, (0, 10.0), (1, 10.001), (2, 10.0)) == [(0, 0), (1, 0), (0, 1)]
    assert not RULE.is_beyond(0.9) and RULE.is_beyond(0.8999)


def test_what_is_not_known_neither_fires_nor_ends_and_what_is_gone_ends(settings: Settings) -> None:
    store.standing(settings.state)
    assert entered(settings, RULE, (0, 0.5), (60, None), (120, 0.5), (150, None)) == [(0, 0), (0, 0), (1, 0), (0, 0)]
    assert [one.subject for one in store.standing(settings.state)] == ["x"]
    with shared_state.opened(settings.state) as connection, shared_state.transaction(connection):
        assert len(store.apply(connection, RULE, [], 180).ended) == 1
    assert store.past(settings.state)[0].words == "不再监测"


# ---- letters ---------------------------------------------------------------------------------------------------------


def test_a_loader_killed_at_three_is_heard_of_within_three_minutes_and_heard_of_again_when_it_is_back(
    settings: Settings, round_: Callable[..., list[str]], mail: Mail
) -> None:
    assert round_() == [] and mail.accepted == []
    for _ in range(6):  # three minutes, quiet hours or not
        assert round_(30) == []
    assert subjects(mail) == [("duty", "【紧急】正北数字驾驶舱告警：装载停止 · 装载进程")]
    text = mail.accepted[0].get_body().get_content()
    assert "没有心跳" in text and "03:01 起" in text
    for _ in range(6):
        round_(30)
    assert len(mail.accepted) == 1, "once"
    round_(30, loader=True)
    assert subjects(mail)[1:] == [("duty", "【恢复】正北数字驾驶舱告警：装载停止 · 装载进程")]
    assert "历时" in mail.accepted[1].get_body().get_content()


def test_an_urgent_one_climbs_until_somebody_takes_it(
    settings: Settings, round_: Callable[..., list[str]], mail: Mail
) -> None:
    for _ in range(4):
        round_(60)
    assert [who for who, _ in subjects(mail)] == ["duty"]
    round_(599 - 60)
    assert len(mail.accepted) == 1
    round_(61)
    assert subjects(mail)[1:] == [("head", "【升级】正北数字驾驶舱告警：装载停止 · 装载进程")]
    round_(3600)
    assert len(mail.accepted) == 2, "there is no third level"
    one = store.standing(settings.state)[0]
    assert one.receivers == ("值班手机", "值班领导") and one.level == 2
    store.take(settings.state, one.id, "li", now=MONDAY)
    round_(30, loader=True)
    assert sorted(who for who, words in subjects(mail) if "恢复" in words) == ["duty", "head"]


def test_taken_in_time_it_does_not_climb(settings: Settings, round_: Callable[..., list[str]], mail: Mail) -> None:
    for _ in range(3):
        round_(60)
    (one,) = store.standing(settings.state)
    store.take(settings.state, one.id, "li", now=MONDAY)
    store.take(settings.state, one.id, "wang", now=MONDAY + 5)
    round_(3600)
    assert len(mail.accepted) == 1 and store.standing(settings.state)[0].taken_by == "li"
    with pytest.raises(PageMissing):
        store.take(settings.state, 99, "li", now=MONDAY)


def test_what_is_not_urgent_waits_for_the_morning_and_is_not_heard_of_when_it_is_over_by_then(
    settings: Settings, round_: Callable[..., list[str]], mail: Mail
) -> None:
    (settings.data / "alerts.toml").write_text(
        ROSTER.replace(
            "[[duty]]", '[[rules]]\nid = "stuck"\nlabel = "停滞"\nwatch = "job_age_s"\nabove = 60\n[[duty]]', 1
        )
    )
    for name in ("live", "refresh"):
        request_queue.book(settings.state, name, MONDAY - 10, MONDAY, "ok", 1, "")
    for _ in range(3):
        round_(60, loader=True)
    assert mail.accepted == [] and len(store.standing(settings.state)) == 2, "03:03"
    request_queue.book(settings.state, "live", MONDAY + 170, MONDAY + 180, "ok", 1, "")
    round_(30, loader=True)
    assert [one.subject for one in store.standing(settings.state)] == ["refresh"]
    request_queue.book(settings.state, "live", MONDAY + 4 * 3600, MONDAY + 4 * 3600 + 180, "ok", 1, "")
    round_(4 * 3600, loader=True)
    assert [words for _, words in subjects(mail) if "停滞" in words] == ["【警告】正北数字驾驶舱告警：停滞 · 刷新"], (
        "of the one that is over nobody heard, neither of its beginning nor of its end"
    )


def test_several_at_once_are_one_letter(settings: Settings, round_: Callable[..., list[str]], mail: Mail) -> None:
    for name in ("live", "refresh"):
        request_queue.book(settings.state, name, MONDAY - 7200, MONDAY - 7000, "ok", 1, "")
    round_(61)
    round_(60)
    assert len(mail.accepted) == 1 and "等 3 项" in mail.accepted[0]["Subject"]
    assert sum(line.startswith("· ") for line in mail.accepted[0].get_body().get_content().splitlines()) == 3


def test_silenced_it_is_entered_and_nobody_is_written_to(
    settings: Settings, round_: Callable[..., list[str]], mail: Mail
) -> None:
    store.silence(settings.state, "loader_silent", "", MONDAY + 7200, "li", "停机检修到五点", now=MONDAY)
    for _ in range(5):
        round_(60)
    assert [one.rule for one in store.standing(settings.state)] == ["loader_silent"] and mail.accepted == []
    for words, until in (("短", MONDAY + 60), ("一个星期以后", MONDAY + 8 * 86400), ("已经过去的", MONDAY - 1)):
        with pytest.raises(UsageError):
            store.silence(settings.state, "loader_silent", "", until, "li", words, now=MONDAY)


def test_a_rule_with_receivers_of_its_own_writes_to_them(
    settings: Settings, round_: Callable[..., list[str]], mail: Mail
) -> None:
    (settings.data / "alerts.toml").write_text(
        '[[rules]]\nid = "loader_silent"\nlabel = "没有新数据"\nwatch = "loader_silent_s"\nabove = 60\ngrade = "notice"\nto = ["局长"]\n'
    )
    round_(120)
    assert subjects(mail) == [("chief", "【提示】正北数字驾驶舱告警：没有新数据 · 装载进程")]


def test_a_server_that_does_not_take_it_gets_it_later_once(
    settings: Settings, round_: Callable[..., list[str]], mail: Mail
) -> None:
    mail.refuse = "450 later"
    lines = [line for _ in range(3) for line in round_(60)]
    assert len(lines) == 1 and "稍后自动重试" in lines[0]
    mail.refuse = ""
    for _ in range(3):
        round_(60)
    assert len(mail.accepted) == 1


def test_cut_off_at_any_moment_it_is_sent_once_or_called_uncertain(settings: Settings, mail: Mail) -> None:
    mail.pause_s = 0.01
    beats.beat(settings.state, beats.LOADER, time.time() - 3600)
    (settings.data / "alerts.toml").write_text(
        ROSTER
        + '[[rules]]\nid = "loader_silent"\nlabel = "装载停止"\nwatch = "loader_silent_s"\nabove = 60\ngrade = "urgent"\n'
    )
    run = f"""
from pathlib import Path
from cockpit.alerts import watch
from warehouse.core.settings import Settings
from warehouse.query.snapshot_store import SnapshotStore
settings = Settings(Path({str(settings.data)!r}))
print("ready", flush=True)
watch.once(settings, SnapshotStore(settings.data))
"""
    moments, states = random.Random(7), Counter[str]()
    for _ in range(RESTARTS):
        with subprocess.Popen([sys.executable, "-c", run], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(moments.uniform(0, 0.25))
            process.kill()
    watch.once(settings, SnapshotStore(settings.data))
    states.update(one["state"] for one in outbox.letters(settings.state))
    assert sum(states.values()) == 1 and len(mail.accepted) <= 1, states
    assert set(states) <= ({"sent", "unknown"} if mail.accepted else {"unknown"})


def test_the_loader_looks_after_the_watch(settings: Settings, mail: Mail) -> None:
    settings.sources.touch(0o600)
    settings.sources.touch(0o600)
    with opened(settings) as context:
        assert job.run(context) == [], "a watch that never ran is not missed"
        beats.beat(settings.state, beats.WATCH)
        beats.beat(settings.state, beats.LOADER)
        assert job.run(context) == [] and not store.standing(settings.state)
        beats.beat(settings.state, beats.WATCH, time.time() - 600)
        assert job.run(context) == []
    assert [one.rule for one in store.standing(settings.state)] == ["watch_silent"]
    assert subjects(mail) == [("duty", "【紧急】正北数字驾驶舱告警：告警巡视停止 · 网页服务")]
    watch.once(settings, SnapshotStore(settings.data))
    assert subjects(mail)[1:] == [("duty", "【恢复】正北数字驾驶舱告警：告警巡视停止 · 网页服务")]


# ---- rules -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[[rules]]\nid = "a1"\nlabel = "x"\nwatch = "disk_fre_share"\nbelow = 1\n', ("watch", "disk_free_share")),
        ('[[rules]]\nid = "a1"\nlabel = "x"\nwatch = "metric:fleet_online_rat"\nbelow = 1\n', ("fleet_online_rate",)),
        ('[[rules]]\nid = "a1"\nlabel = "x"\nwatch = "disk_free_share"\n', ("above", "below")),
        ('[[rules]]\nid = "a1"\nlabel = "x"\nwatch = "disk_free_share"\nabove = 1\nbelow = 1\n', ("只写一个",)),
        ('[[rules]]\nid = "a1"\nlabel = "x"\nwatch = "disk_free_share"\nbelow = 0.1\nclear = 0.05\n', ("clear",)),
        (
            '[[rules]]\nid = "a1"\nlabel = "x"\nwatch = "metric:rdm_safety_score_avg"\nwindow = "day"\nbelow = 1\n',
            ("window", "month"),
        ),
        (
            '[[rules]]\nid = "a1"\nlabel = "x"\nwatch = "metric:fleet_company_cnt"\nplaces = "company"\nbelow = 1\n',
            ("places",),
        ),
        ('[[duty]]\nto = "值班"\nhours = "8-20"\n', ("hours", "08:00-20:00")),
        ('[[duty]]\nto = "值班"\ndays = ["monday"]\n', ("days", "mon")),
        ('[[dutys]]\nto = "值班"\n', ("dutys", "duty")),
        ('[[rules]]\nid = "a1"\nlabel = "x"\nwatch = "disk_free_share"\nbelow = 1\n' * 2, ("a1", "同名")),
    ],
)
def test_a_wrong_rule_is_refused_by_file_and_key(text: str, said: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "alerts.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as refused:
        rules.plan(Settings(tmp_path))
    assert "alerts.toml" in str(refused.value) and all(word in str(refused.value) for word in said), refused.value


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("alerts.toml", '[[duty]]\nto = "值班电话"\n', "值班手机"),
        ("alerts.toml", '[[rules]]\nid = "a1"\nlabel = "x"\nwatch = "disk_fre_share"\nbelow = 1\n', "disk_free_share"),
        ("delivery.toml", "[mial]\n", "mail"),
    ],
)
def test_a_slip_of_the_pen_stops_no_alert(
    settings: Settings, round_: Callable[..., list[str]], file: str, text: str, said: str
) -> None:
    (settings.data / file).write_text(text, "utf-8")
    for _ in range(4):
        round_(60)
    standing = {one.rule: one for one in store.standing(settings.state)}
    assert {"loader_silent", "settings_wrong"} <= set(standing) and said in standing["settings_wrong"].words
    assert rules.faults(settings) and said in rules.faults(settings)[0]


def test_whom_nobody_was_written_to_about_is_heard_of_as_soon_as_somebody_can_be(
    settings: Settings, round_: Callable[..., list[str]], mail: Mail
) -> None:
    """A silence that ends, and a receiver who is set up after the alert has fired."""
    store.silence(settings.state, "loader_silent", "", MONDAY + 600, "li", "停机检修十分钟", now=MONDAY)
    for _ in range(9):
        round_(60)
    assert mail.accepted == [] and len(store.standing(settings.state)) == 1
    round_(120)
    assert subjects(mail) == [("duty", "【紧急】正北数字驾驶舱告警：装载停止 · 装载进程")]
    assert "systemctl status zhengbei-etl" in mail.accepted[0].get_body().get_content(), "and what is to be done"
    for _ in range(3):
        round_(60)
    assert len(mail.accepted) == 1


def test_a_shift_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    night = Shift(to="x", days=("fri",), hours="20:00-08:00")
    friday = dt.datetime(2026, 11, 27, tzinfo=SHANGHAI)
    hours = [(0, False), (19, False), (20, True), (24, True), (31, True), (32, False), (44, False)]
    assert [night.covers(friday + dt.timedelta(hours=hour)) for hour, _ in hours] == [is_on for _, is_on in hours]


def test_quiet_hours_end_in_the_morning() -> None:
    plan = Plan(quiet="22:00-07:00")
    evening = dt.datetime(2026, 11, 27, 22, 30, tzinfo=SHANGHAI)
    assert plan.quiet_until(evening) == dt.datetime(2026, 11, 28, 7, 0, tzinfo=SHANGHAI)
    assert plan.quiet_until(evening + dt.timedelta(hours=8)) == dt.datetime(2026, 11, 28, 7, 0, tzinfo=SHANGHAI)
    assert plan.quiet_until(evening - dt.timedelta(hours=1)) is None


def test_every_shipped_rule_can_be_measured_and_every_probe_is_described() -> None:
    shipped = rules.plan(Settings(Path(os.devnull)))
    assert {rule.id for rule in shipped.rules} >= {
        "loader_silent",
        "source_late",
        "disk_low",
        "audit_broken",
        "wall_lost",
    }
    assert set(HEALTH_PROBES) == set(HEALTH)


# ---- over a published picture ---------------------------------------------------------------------------------------------


def test_an_indicator_fires_with_its_parts_period_and_link(pictured: Path, mail: Mail) -> None:
    settings = Settings(pictured)
    library = SnapshotStore(pictured)
    reading = library.current(Scope.ALL).read("fleet_online_rate", "week")
    assert reading.value is not None
    (pictured / "alerts.toml").write_text(
        '[[rules]]\nid = "online"\nlabel = "上线率偏低"\nwatch = "metric:fleet_online_rate"\nwindow = "week"\nbelow = 1.01\n'
        '[[rules]]\nid = "towns"\nlabel = "镇街上线率有变"\nwatch = "metric:fleet_online_rate"\nwindow = "week"\nplaces = "town"\nfigure = "change"\nabove = -2\n'
    )
    watch.once(settings, library, now=lambda: library.current(Scope.ALL).generation.built_at.timestamp())
    standing = {(one.rule, one.subject): one for one in store.standing(settings.state)}
    district = standing["online", reading.place.code]
    assert district.value == reading.value and f"{reading.num:,.0f} / {reading.den:,.0f}" in district.words
    assert district.href == "/metric/fleet_online_rate?window=week"
    towns = library.current(Scope.ALL).by("fleet_online_rate", "week")
    known = {one.place.code: one for one in towns if one.value is not None and one.previous is not None}
    assert {subject for rule, subject in standing if rule == "towns"} == set(known) and known
    assert all(standing["towns", code].value == one.value - one.previous for code, one in known.items())  # type: ignore[operator]


def test_the_page_takes_and_silences_and_the_wall_shows_what_nobody_has_taken(
    as_role: Callable[[str], FlaskClient], data: Path
) -> None:
    settings = Settings(data)
    beats.beat(settings.state, beats.LOADER, time.time() - 600)
    library = SnapshotStore(data)
    for _ in range(2):
        watch.once(settings, library, now=Clock(time.time()))
        with shared_state.opened(settings.state) as connection, shared_state.transaction(connection):
            connection.execute("UPDATE alert SET since = since - 120")
    client = as_role("duty")
    (one,) = store.standing(settings.state)
    wall = client.get("/wall/main/version").get_json()
    assert wall["loader_silent_s"] >= 600 and wall["alerts"] == [f"{one.label}：{one.words}"]
    assert client.get("/api/version").get_json()["loader_silent_s"] >= 600
    assert client.post(f"/alerts/{one.id}/take", headers=SAME_ORIGIN).status_code == 303
    assert client.get("/wall/main/version").get_json()["alerts"] == []
    form = {"about": "loader_silent/loader", "hours": "4", "why": "机房停电检修"}
    assert client.post("/alerts/silence", data=form, headers=SAME_ORIGIN).status_code == 303
    with shared_state.opened(settings.state) as connection:
        (quiet,) = store.silences(connection, time.time())
    assert (quiet.subject, quiet.who, quiet.why) == ("loader", "user-duty", "机房停电检修")
    assert client.post(f"/alerts/silences/{quiet.id}/end", headers=SAME_ORIGIN).status_code == 303
    assert client.post(f"/alerts/silences/{quiet.id}/end", headers=SAME_ORIGIN).status_code == 404
    for wrong in ({"hours": "5"}, {"why": "短"}, {"about": "none/x"}):
        assert client.post("/alerts/silence", data=form | wrong, headers=SAME_ORIGIN).status_code == 400
    assert as_role("auditor").post(f"/alerts/{one.id}/take", headers=SAME_ORIGIN).status_code == 403
    beats.beat(settings.state, beats.LOADER)
    assert client.get("/api/version").get_json()["loader_silent_s"] is None


def test_the_commands_say_what_stands_and_try_a_way(settings: Settings, mail: Mail) -> None:
    run = CliRunner().invoke
    beats.beat(settings.state, beats.LOADER, time.time())
    at = ["--data", str(settings.data)]
    assert run(alert_commands.alert, ["list", *at]).output == "现在没有告警\n"
    assert run(alert_commands.alert, ["check", *at]).exit_code == 0
    done = run(alert_commands.alert, ["try", "局长", *at])
    assert done.output == "已送达 局长\n" and mail.accepted[0]["To"] == "chief@yuhang.example"
    unknown = run(alert_commands.alert, ["try", "谁", *at])
    assert isinstance(unknown.exception, UsageError) and "值班手机" in str(unknown.exception)
    assert run(alert_commands.alert, ["silence", "disk_low", "--why", "正在扩容磁盘", *at]).exit_code == 0
