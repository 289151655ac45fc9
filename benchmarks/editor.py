"""`python -m benchmarks.editor`: how long the language server takes to answer.

The server runs as a process of its own and is spoken to as an editor does. Each
question is asked of a text of 2,000 lines at random places, twice: when the text was
checked, and right after a blank was typed, while a new check is at work.

CPU time is that of the thread that answers, from the question to the answer; `all` has
that of the thread that checks too, which is what an answer waits for where nothing else
runs. Wall time is also that of what runs beside it. Verdicts are on CPU time, as those
of the other benchmarks; Linux tells it.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.growth import KINDS
from benchmarks.measure import machine
from benchmarks.report import RESULTS

LINES = 2_000
# What an answer may take, in milliseconds: half of them, and all of them.
MEDIAN, WORST = 10, 50
# An editor asks for the hints of what it shows.
SHOWN = 60
URI = "untitled:text"

PAGE = Path(__file__).parents[1] / "docs" / "editors.md"
_HEAD = "| question | median | most | with the check: median | most |\n"
_TABLE = re.compile(re.escape(_HEAD) + r"(?:\|.*\n)+")


class Client:
    """Speaks with a server over its standard input and output."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "archdsl", "lsp"]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._numbers = count(1)
        self.request("initialize", {"processId": None, "capabilities": {}})
        self.notify("initialized", {})

    def notify(self, method: str, params: object) -> None:
        """Say something that has no answer."""
        self._send({"method": method, "params": params})

    def request(self, method: str, params: object) -> Any:
        """Ask, and wait for the answer."""
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def wait_for(self, method: str) -> Any:
        """Wait for a notification of the server."""
        while True:
            message = self._read()
            if message.get("method") == method:
                return message["params"]

    def spent(self) -> tuple[float, float]:
        """The CPU time so far of the thread that answers, and of all, in ms."""
        tasks = Path(f"/proc/{self._process.pid}/task")
        times = {
            int(path.parent.name): int(path.read_text(encoding="ascii").split()[0])
            for path in tasks.glob("*/schedstat")
        }
        return times[self._process.pid] / 1e6, sum(times.values()) / 1e6

    def close(self) -> None:
        """End the server."""
        self.request("shutdown", None)
        self.notify("exit", None)
        self._process.wait(10)

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()

    def _read(self) -> dict[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None
        length = 0
        while True:
            line = stdout.readline().strip()
            if not line:
                break
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        message: dict[str, Any] = json.loads(stdout.read(length))
        return message


def questions(rng: random.Random, lines: list[str]) -> dict[str, tuple[str, Any]]:
    """A question of each kind, at some place."""
    number = rng.randrange(3, len(lines) - 3)
    place = {
        "textDocument": {"uri": URI},
        "position": {
            "line": number,
            "character": rng.randrange(len(lines[number]) + 1),
        },
    }

    def hints(first: int, last: int) -> tuple[str, Any]:
        shown = {
            "start": {"line": first, "character": 0},
            "end": {"line": last, "character": 0},
        }
        asked = {"textDocument": {"uri": URI}, "range": shown}
        return "textDocument/inlayHint", asked

    first = max(0, number - SHOWN // 2)
    return {
        "hover": ("textDocument/hover", place),
        "completion": ("textDocument/completion", place),
        f"inlay hints of {SHOWN} lines": hints(first, first + SHOWN),
        "inlay hints of all lines": hints(0, len(lines)),
    }


def measured(text: str, rounds: int) -> dict[str, list[tuple[float, float, float]]]:
    """The milliseconds of every answer: CPU, that of all threads, and wall."""
    rng = random.Random(1)
    lines = text.splitlines()
    client = Client()
    item = {"uri": URI, "languageId": "arch", "version": 1, "text": text}
    client.notify("textDocument/didOpen", {"textDocument": item})
    found = client.wait_for("textDocument/publishDiagnostics")
    assert found["diagnostics"] == []
    times: dict[str, list[tuple[float, float, float]]] = {}

    def ask(when: str) -> None:
        for name, (method, params) in questions(rng, lines).items():
            begin, cpu = time.perf_counter(), client.spent()
            client.request(method, params)
            after = client.spent()
            wall = (time.perf_counter() - begin) * 1e3
            times.setdefault(f"{name}, {when}", []).append(
                (after[0] - cpu[0], after[1] - cpu[1], wall)
            )

    ask("not counted")
    for version in range(2, rounds + 2):
        ask("checked")
        number = rng.randrange(4, len(lines) - 4)
        at = {"line": number, "character": len(lines[number])}
        # A blank at the end of a line: it is checked anew, and well as before.
        change = {"range": {"start": at, "end": at}, "text": " "}
        client.notify(
            "textDocument/didChange",
            {
                "textDocument": {"uri": URI, "version": version},
                "contentChanges": [change],
            },
        )
        lines[number] += " "
        # Some of the answers come before the new check, some while it is at work.
        ask("typing")
        time.sleep(0.09)
        ask("typing")
        client.wait_for("textDocument/publishDiagnostics")
    client.close()
    return {name: spent for name, spent in times.items() if "not counted" not in name}


def main(argv: list[str] | None = None) -> int:
    """Measure, print and write; 1 if a target is missed."""
    parser = argparse.ArgumentParser("benchmarks.editor", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    args = parser.parse_args(argv)
    missed = False
    rows: list[dict[str, Any]] = []
    _print(
        f"{'text':7} {'question':34}"
        + "".join(f"{name:>9}" for name in ("CPU, ms", "most", "all", "most"))
        + f"{'wall':>9}{'most':>9}\n"
    )
    for kind, written in KINDS.items():
        text = written(LINES)
        for name, spent in measured(text, args.rounds).items():
            cpu, whole, wall = zip(*spent, strict=True)
            row = {
                "text": kind,
                "question": name,
                "answers": len(spent),
                "cpu_ms": _in_ms(cpu),
                "all_ms": _in_ms(whole),
                "wall_ms": _in_ms(wall),
            }
            rows.append(row)
            met = median(cpu) <= MEDIAN and max(cpu) <= WORST
            verdict = "met" if met else "missed"
            if "all lines" in name:
                # More than an editor asks for.
                verdict = ""
            missed |= verdict == "missed"
            columns = (cpu, whole, wall)
            shown = "".join(f"{median(c):9.2f}{max(c):9.2f}" for c in columns)
            _print(f"{kind:7} {name:34}{shown}  {verdict}\n")
    args.out.mkdir(parents=True, exist_ok=True)
    result = {"name": "editor", "lines": LINES, "machine": machine(), "answers": rows}
    path = args.out / "editor.json"
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if args.out == RESULTS:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(_TABLE.sub(table(result), page), encoding="utf-8")
    return int(missed)


def table(result: dict[str, Any]) -> str:
    """The slowest texts' answers to each question, for the page about editors."""
    slowest: dict[str, list[float]] = {}
    for row in result["answers"]:
        question = row["question"].rpartition(",")[0]
        times = (*row["cpu_ms"].values(), *row["all_ms"].values())
        before = slowest.get(question, times)
        slowest[question] = list(map(max, before, times))
    rows = [
        f"| {question} | {' | '.join(f'{ms:.1f}' for ms in times)} |\n"
        for question, times in slowest.items()
    ]
    return _HEAD + "| --- | --- | --- | --- | --- |\n" + "".join(rows)


def _in_ms(times: Sequence[float]) -> dict[str, float]:
    return {"median": round(median(times), 2), "most": round(max(times), 2)}


def _print(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
