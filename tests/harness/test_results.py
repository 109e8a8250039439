from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from harness.results import read_cases
from tooling.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

CASES = {"1.1.1": {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000, "duration": 2}}


def written(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def test_the_cases_of_a_results_json_are_read_by_role(tmp_path: Path) -> None:
    path = written(tmp_path / "results.json", {"format": 2, "setups": {"server": {"cases": CASES}}})
    assert read_cases(path, "server") == CASES
    assert read_cases(tmp_path, "server") == CASES
    with pytest.raises(CommandError, match="has not the verdicts"):
        read_cases(path, "client")


def test_the_only_agent_of_an_index_json_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "index.json", {"wsproto/1.4.0": CASES})
    assert read_cases(path, "client") == read_cases(tmp_path, "client") == CASES


def test_of_several_agents_one_has_to_be_chosen(tmp_path: Path) -> None:
    path = written(tmp_path / "index.json", {"one": CASES, "two": {}})
    assert read_cases(path, "server", "one") == CASES
    with pytest.raises(CommandError, match="it has: one, two"):
        read_cases(path, "server")
    with pytest.raises(CommandError, match="agent 'three'"):
        read_cases(path, "server", "three")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"1",
        b'{"a": []}',
        b'{"setups": {"server": {}}}',
        b'{"setups": {"server": []}}',
        b"\xff",
    ],
)
def test_a_file_of_another_shape_is_one_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "index.json"
    path.write_bytes(content)
    with pytest.raises(CommandError, match=r"index\.json"):
        read_cases(path, "server")


def test_a_folder_without_verdicts_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot read verdicts"):
        read_cases(tmp_path, "server")
