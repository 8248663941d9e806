"""The privacy policy as data: one TOML file from which banner, gate, cookie rules, retention and page are compiled."""

from dongui.errors import PolicyError
from dongui.policy.check import check
from dongui.policy.compile import compiled, notice, pick_language
from dongui.policy.diff import Diff, PolicyChange, diff
from dongui.policy.findings import Finding
from dongui.policy.load import load, parse
from dongui.policy.model import (
    Controller,
    CookieRule,
    Item,
    Notice,
    Officer,
    Party,
    Policy,
    Purpose,
    RecordClass,
    Remedy,
)
from dongui.policy.period import Period
from dongui.policy.preset import Preset, all_presets
from dongui.policy.render import render
from dongui.policy.stub import inline_stub, stub_warnings
from dongui.policy.template import default_policy_text

__all__ = [
    "Controller",
    "CookieRule",
    "Diff",
    "Finding",
    "Item",
    "Notice",
    "Officer",
    "Party",
    "Period",
    "Policy",
    "PolicyChange",
    "PolicyError",
    "Preset",
    "Purpose",
    "RecordClass",
    "Remedy",
    "all_presets",
    "check",
    "compiled",
    "default_policy_text",
    "diff",
    "inline_stub",
    "load",
    "notice",
    "parse",
    "pick_language",
    "render",
    "stub_warnings",
]
