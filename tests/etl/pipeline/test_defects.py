"""Every rule of the catalogue has a test in one of the three modules, and words that status and screens share."""

from __future__ import annotations

from cockpit.presentation import data_notes
from tests.etl.pipeline import test_defects_ledgers, test_defects_registers, test_defects_tracks
from warehouse.catalog.models import models
from warehouse.core.data_rules import RULES, TREATMENTS, named


def test_every_rule_of_the_catalogue_has_a_test_and_words_that_status_and_screens_share() -> None:
    rules = {f"D{number:02d}" for number in range(1, 26)} | {"L72", "F15", "F22", "F24", "payload"}
    tested = {
        name[5:8].upper()
        for module in (test_defects_ledgers, test_defects_registers, test_defects_tracks)
        for name in vars(module)
        if name.startswith("test_d")
    }
    assert {rule for rule in rules if rule[0] == "D"} <= tested
    assert rules <= RULES.keys() == TREATMENTS.keys()
    stated = {rule for model in models().values() for rule in [*model.defects, *model.review]}
    assert stated <= RULES.keys() and all(
        data_notes.rule(rule) != rule and data_notes.rule(rule) in (named(rule), RULES[rule]) for rule in rules
    )
    assert data_notes.rule("type:day") == "读不懂（day）"
