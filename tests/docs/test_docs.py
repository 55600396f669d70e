"""The documents say what is so: links, quoted files, printed commands, keywords, keys and words.

How a document says what is checked:
- a block after a line `path/of/file`: equals that file; after From `path/of/file`: each of its paragraphs stands there;
- a line of an sh or console block is a command; `# exit status N` says how it ends, 0 if nothing is said;
- a text block right after an sh block of one command: each line stands in what the command prints.
"""

from __future__ import annotations

import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

import forked
import pytest
from robot.api import get_model
from robot.api.parsing import ModelVisitor
from robot.libdocpkg import LibraryDocumentation

from hil import tables
from hil.bench.cloud_calls import MqttFacade, StorageFacade
from hil.bench.config import BenchConfig, MonitorRuleSection, ProbeSection
from hil.bench.console import ConsoleFacade
from hil.bench.diag_calls import DiagFacade
from hil.bench.facade import Bench
from hil.bench.power import PowerFacade
from hil.bench.relay_calls import RelayFacade
from hil.bench.screen import ScreenFacade
from hil.bench.screen_items import (
    BarFacade,
    ButtonFacade,
    IconFacade,
    NeedleFacade,
    PictureFacade,
    PopupFacade,
    TelltaleFacade,
    TextFacade,
    ViewFacade,
)
from hil.bench.sound_calls import EarFacade
from hil.bench.update_calls import UpdateFacade
from hil.bench.variant import Variant
from hil.can.monitor_rules import DEFAULT_LEVELS
from hil.can.traits import NAMES
from hil.cli.main import COMMANDS as CLI_COMMANDS
from hil.cli.main import main
from hil.ecu.defects import CATALOGUE
from hil.errors import EXIT_STATUS, Verdict
from hil.hmi import layout_file
from hil.hmi.layout import Telltale
from hil.hmi.layout_items import KINDS as ITEM_KINDS
from hil.hmi.layout_items import Anchor, Size
from hil.pytest_marks import MARKERS
from hil.topics import JSON_TOPICS

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
import telltale_table

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
NEW_READERS_PAGE = "docs/your-cluster.md"
"""Its commands are run by tests/e2e/test_foreign_cluster.py."""
TEXTS = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in DOCUMENTS}
SKIPPED = {
    r"python3 start\.py": "sets an environment up",
    r"\.venv/bin/tox ": "sets an environment up",
    r"\.venv/bin/pip ": "installs",
    r"\.venv/bin/pre-commit ": "not installed here",
    r"\.venv/bin/(ruff|lint-imports|mypy)\b": "the environments lint and types run it",
    r"\.venv/bin/hil run$": "all suites: every nightly runs it",
    r"\.venv/bin/(robot .*robot_suites|pytest pytest_suites)$": "all suites: every nightly runs them",
    r"\.venv/bin/hil run --bench fixtures/benches/udp\.toml": "real time: the nightly runs it",
    r"\.venv/bin/hil mutate": "takes a minute: the environment full runs it",
    r"\.venv/bin/python tools/readers\.py": "the environment full runs it; tests/unit/test_readers_tool.py too",
    r"\.venv/bin/hil history": "ends as the runs that lie there say; tests/unit/test_history.py runs it",
    r"\.venv/bin/hil (doctor|run) .*docs/benches/": "needs a lab's devices; tests/unit/test_lab_benches.py loads them",
    r"\.venv/bin/hil ecu serve": "doesn't end; tests/unit/test_faces.py and every run on udp.toml start it",
}
MODULES = {"hil": "hil.cli.main", "robot": "robot", "pytest": "pytest", "libdoc": "robot.libdoc"}
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block, and the last line with text before it."""

    document: str
    language: str
    text: str
    before: str
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.document}:{TEXTS[self.document][: self.start].count(chr(10)) + 1}"


def blocks_of(document: str) -> list[Block]:
    text = TEXTS[document]
    found = []
    for match in FENCE.finditer(text):
        before = [line for line in text[: match.start()].splitlines() if line.strip()]
        found.append(Block(document, match[1], match[2], before[-1] if before else "", match.start(), match.end()))
    return found


BLOCKS = [block for document in TEXTS for block in blocks_of(document)]


def prose(document: str) -> str:
    """Without fenced blocks, inline code and addresses."""
    text = re.sub(r"`[^`\n]*`", " ", FENCE.sub("\n", TEXTS[document]))
    return re.sub(r"\]\([^)]*\)", "]", text)


# Links ----------------------------------------------------------------------------------------------------------------


def anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ +(.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("document", TEXTS)
def test_links_resolve(document):
    broken = []
    for target in LINK.findall(FENCE.sub("", TEXTS[document])):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / document).parent / path if path else ROOT / document
        known = anchors(file.read_text(encoding="utf-8")) if anchor and file.suffix == ".md" and file.exists() else ()
        if not file.exists() or (anchor and anchor not in known):
            broken.append(target)
    assert broken == []


def test_the_pictures_are_small_and_shown():
    shown = {Path(target).name for text in TEXTS.values() for target in LINK.findall(text)}
    for picture in (ROOT / "docs/pictures").iterdir():
        assert picture.stat().st_size < 150_000, picture.name
        assert picture.name in shown, picture.name


# Quoted files ---------------------------------------------------------------------------------------------------------

QUOTE = re.compile(r"(?:^|[.] )(From )?`([\w./-]+\.\w+)`( \(.*\))?:$")
QUOTING = [block for block in BLOCKS if QUOTE.search(block.before)]


@pytest.mark.parametrize("block", QUOTING, ids=str)
def test_a_quoted_file_is_as_it_stands(block):
    part, name = QUOTE.search(block.before).group(1, 2)
    file = (ROOT / name).read_text(encoding="utf-8")
    if not part:
        assert block.text == file
        return
    for paragraph in block.text.strip().split("\n\n"):
        assert paragraph in file


def test_files_are_quoted():
    assert len(QUOTING) >= 15


def test_toml_in_the_documents_is_toml():
    for block in BLOCKS:
        if block.language == "toml":
            tomllib.loads(block.text)


# Commands -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Command:
    """A printed command, with the text block that shows what it prints."""

    where: str
    line: str
    status: int
    shown: str

    def __str__(self) -> str:
        return f"{self.where}: {self.line}"


def commands() -> list[Command]:
    found = {}
    for block in BLOCKS:
        if block.language not in ("sh", "console") or block.document == NEW_READERS_PAGE:
            continue
        lines = [line for line in block.text.splitlines() if line.strip()]
        shown = re.match(r"\n\n```text\n(.*?)^```$", TEXTS[block.document][block.end :], re.DOTALL | re.MULTILINE)
        for printed in lines:
            line, _, said = printed.partition("  #")
            status = re.search(r"exit status (\d+)", said)
            prints = shown[1] if shown and len(lines) == 1 else ""
            command = Command(block.document, line.strip(), int(status[1]) if status else 0, prints)
            known = found.get(command.line)
            if known is None or command.shown:
                found[command.line] = command
    return list(found.values())


COMMANDS = commands()


def skipped(line: str) -> bool:
    return any(re.match(pattern, line) for pattern in SKIPPED)


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """A copy of what the commands need, so that they write nowhere else."""
    place = tmp_path_factory.mktemp("docs")
    for name in ("fixtures", "dbc", "examples", "robot_suites", "pytest_suites", "docs"):
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    return place


def kind_of(line: str) -> tuple[str, ...]:
    """Program and command, without variables and arguments."""
    return tuple(word for word in shlex.split(line) if "=" not in word)[:2]


RUN_HERE = [one for one in COMMANDS if not skipped(one.line)]
FIRST = {kind_of(one.line): one for one in reversed(RUN_HERE)}
"""The first of each kind: these start an interpreter of their own."""


def run(place: Path, line: str, *, fresh: bool = False) -> subprocess.CompletedProcess[str]:
    words = shlex.split(line)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HIL_", "PYTEST_"))}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        kept[name] = value
    program = re.fullmatch(r"\.venv/bin/(\w+)", words[0])
    assert program, f"only programs of .venv are run here: {line}"
    assert program[1] in MODULES, f"{line}: name it in MODULES or in SKIPPED"
    kept |= {"COLUMNS": "200", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    return forked.run(MODULES[program[1]], *words[1:], cwd=place, env=kept, fresh=fresh)


@pytest.fixture(scope="session")
def a_run(place):
    """The name of a results folder: of a command that ran before, else of one that runs now."""
    if not (good := passed(place)):
        done = run(place, '.venv/bin/hil run robot_suites --name "Main beam*"')
        assert done.returncode == 0, done.stdout + done.stderr
        good = passed(place)
    return good[0]


def passed(place: Path) -> list[str]:
    files = sorted(place.glob("results/*-virtual/junit.xml"))
    return [
        file.parent.name for file in files if "<failure" not in file.read_text() and "<error" not in file.read_text()
    ]


def flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


@pytest.mark.parametrize("command", RUN_HERE, ids=str)
def test_a_printed_command_ends_as_stated(command, place, request):
    line = command.line
    if "<run>" in line:
        line = line.replace("<run>", request.getfixturevalue("a_run"))
    done = run(place, line, fresh=command in FIRST.values())
    said = done.stdout + done.stderr
    assert done.returncode == command.status, said
    for shown in command.shown.splitlines():
        assert any(flat(shown) in flat(printed) for printed in said.splitlines()), f"'{shown}' is not in:\n{said}"


def test_every_reason_to_skip_is_needed():
    for pattern in SKIPPED:
        assert any(re.match(pattern, one.line) for one in COMMANDS), pattern


def test_the_commands_in_prose_and_tables_exist():
    for document, text in TEXTS.items():
        for name in re.findall(r"(?:`|/bin/)hil ([a-z]+)", text):
            assert name in CLI_COMMANDS, f"{document}: hil {name}"


def test_options_in_the_documents_exist(capsys):
    help_of = {}
    for document, text in TEXTS.items():
        for line in re.findall(r"(?:\.venv/bin/|`)hil ([a-z]+[^`\n]*)", text):
            words = tuple(line.split()[: 2 if line.startswith("ecu") else 1])
            if words not in help_of:
                with pytest.raises(SystemExit):
                    main([*words, "--help"])
                help_of[words] = capsys.readouterr().out
            for option in re.findall(r" (--[a-z][a-z-]+)", line):
                assert option in help_of[words], f"{document}: hil {line}"


# Keywords, methods, markers -------------------------------------------------------------------------------------------

KEYWORDS = {keyword.name for keyword in LibraryDocumentation("hil.robot").keywords}
BUILTIN = {keyword.name for keyword in LibraryDocumentation("BuiltIn").keywords}
FACADES = {
    "bench": Bench, "screen": ScreenFacade, "console": ConsoleFacade, "supply": PowerFacade,
    "telltale": TelltaleFacade, "text": TextFacade, "needle": NeedleFacade, "bar": BarFacade, "icon": IconFacade,
    "popup": PopupFacade, "view": ViewFacade, "button": ButtonFacade, "picture": PictureFacade, "ear": EarFacade,
    "mqtt": MqttFacade, "update": UpdateFacade, "storage": StorageFacade, "diag": DiagFacade, "relay": RelayFacade,
}  # fmt: skip


class Calls(ModelVisitor):
    """Names of the keywords that a suite calls, and of those that it defines."""

    def __init__(self) -> None:
        self.called: set[str] = set()
        self.defined: list[str] = []

    def visit_KeywordCall(self, node):
        handed_on = (word for word in node.args if word.title() in KEYWORDS | BUILTIN)
        self.called.update([node.keyword or "", *handed_on])

    def visit_Keyword(self, node):
        self.defined.append(node.name)
        self.generic_visit(node)

    def visit_TestCase(self, node):
        if not any(type(item).__name__ == "TemplateArguments" for item in node.body):
            self.generic_visit(node)


@pytest.mark.parametrize("block", [one for one in BLOCKS if one.language in ("robot", "robotframework")], ids=str)
def test_keywords_in_the_documents_exist(block):
    calls = Calls()
    calls.visit(get_model(block.text))
    assert calls.called or calls.defined
    unknown = {name for name in calls.called if name and name.title() not in {k.title() for k in KEYWORDS | BUILTIN}}
    assert unknown - set(calls.defined) == set()


def rows(document: str, head: str) -> list[list[str]]:
    """The cells of the table whose first column is headed so."""
    text = TEXTS[document]
    table = text[text.index(f"\n| {head} |") + 1 :].split("\n\n")[0]
    return [[cell.strip() for cell in line.strip("| \n").split(" | ")] for line in table.splitlines()[2:]]


def test_every_keyword_stands_in_the_table_with_its_method():
    table = rows("docs/writing-suites.md", "keyword")
    assert {row[0].strip("`") for row in table} == KEYWORDS
    for _, method, _ in table:
        owner, _, name = method.strip("`").partition(".")
        assert inspect.isfunction(getattr(FACADES[owner], name)), method


def test_methods_in_prose_exist():
    for name in re.findall(r"`((?:bench|screen|console|supply|telltale|text|needle)\.\w+)`", "\n".join(TEXTS.values())):
        owner, _, method = name.partition(".")
        if method not in ("toml", "md"):
            assert hasattr(FACADES[owner], method), name


def test_every_marker_stands_in_the_table():
    text = "\n".join(" ".join(row) for row in rows("docs/writing-suites.md", "Robot tag"))
    for marker in MARKERS:
        name = re.match(r"\w+", marker)[0]
        assert re.search(rf"`{name}[(`]", text), name


def test_every_defect_in_the_documents_exists():
    for document, text in TEXTS.items():
        if document != NEW_READERS_PAGE:
            for name in re.findall(r"--defect ([a-z_]+)", text):
                assert name in CATALOGUE, f"{document}: {name}"


# Keys -----------------------------------------------------------------------------------------------------------------

NOT_IN_THE_FILE = {"path", "name"}


def section(document: str, *heads: str) -> str:
    """The text below a heading, down to the next of its level."""
    text = TEXTS[document]
    for head in heads:
        level = head.split(" ")[0]
        start = text.index(f"\n{head}\n") + len(head) + 2
        text = "\n" + re.split(rf"^#{{2,{len(level)}}} ", text[start:], maxsplit=1, flags=re.MULTILINE)[0]
    return text


def key_table(text: str) -> dict[str, str]:
    own = re.split(r"^### ", text, maxsplit=1, flags=re.MULTILINE)[0]
    return dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", own, re.MULTILINE))


OF_ALL_KINDS = {"name", "brightness", "reader", "view"}


def default_of(field) -> object:
    value = "needed" if field.is_required() else field.get_default(call_default_factory=True)
    return list(value) if isinstance(value, tuple) else value


def said_default(text: str) -> object:
    if text in ("needed", "none"):
        return {"needed": "needed", "none": None}[text]
    return tomllib.loads(f"x = {text.strip('`')}")["x"]


def check_keys(text: str, model, left_out=frozenset()) -> None:
    fields = {name: field for name, field in model.model_fields.items() if name not in left_out}
    table = key_table(text)
    assert set(table) == set(fields)
    assert {key: said_default(value) for key, value in table.items()} == {
        key: default_of(field) for key, field in fields.items()
    }


def section_models() -> dict[str, type]:
    models = {}
    for name, field in BenchConfig.model_fields.items():
        if name != "path":
            named = "NAME" in str(field.annotation) or str(field.annotation).startswith("dict")
            inner = [part for part in getattr(field.annotation, "__args__", ()) if hasattr(part, "model_fields")]
            models[f"## `[{name}{'.NAME' if named else ''}]`"] = inner[0] if inner else field.annotation
    return models


@pytest.mark.parametrize(("head", "model"), section_models().items(), ids=section_models())
def test_the_bench_file_page_names_every_key(head, model):
    check_keys(section("docs/bench-file.md", head), model)


def test_the_variants_page_names_every_key():
    check_keys(section("docs/variants.md", "## The variant file"), Variant)


def test_the_bench_file_page_names_every_key_of_the_probe():
    check_keys(section("docs/bench-file.md", "## `[reset]`", "### `probe`"), ProbeSection)


def test_the_bench_file_page_names_every_key_of_a_monitor_rule():
    check_keys(section("docs/bench-file.md", "## `[monitors]`", "### `[[monitors.rule]]`"), MonitorRuleSection)


def test_the_pages_on_networks_name_every_kind_and_level_of_the_monitors():
    in_words = {row[0].strip("`"): row[2].strip("` |") for row in rows("docs/can.md", "kind")}
    keys = key_table(section("docs/bench-file.md", "## `[monitors]`"))
    said = dict(re.findall(r"^\| `(\w+)` \| none \| .*`\"(\w+)\"` \|$", TEXTS["docs/bench-file.md"], re.MULTILINE))
    assert in_words == {kind.value: level.value for kind, level in DEFAULT_LEVELS.items()}
    assert said == in_words
    assert set(in_words) < set(keys)


def test_the_pages_on_databases_name_every_role_with_its_attribute():
    table = {row[0].strip("`"): row[1].strip("`") for row in rows("docs/databases.md", "role")}
    assert table == dict(NAMES)
    for attribute, role, _ in rows("docs/can.md", "attribute"):
        assert NAMES[role.strip("`")] == attribute.strip("`")


OPTIONAL = ("touch", "keys", "audio", "mqtt", "update", "storage")
KINDS = {kind: (kind, "port") for kind in ("console", "supply", "relay", *OPTIONAL)} | {
    "can": ("bus", "port"),
    "screen": ("screen", "source"),
}
OWN_PORTS = [entry for entry in entry_points(group="hil.ports") if entry.value.startswith("hil.")]


@pytest.mark.parametrize("entry", OWN_PORTS, ids=lambda entry: entry.name)
def test_the_bench_file_page_names_every_port_and_its_options(entry):
    kind, _, name = entry.name.partition(".")
    head, key = KINDS[kind]
    text = section("docs/bench-file.md", f"## `[{head}.NAME]`", f'### `{key} = "{name}"`')
    check_keys(text, entry.load().Options)


@pytest.mark.parametrize(
    ("head", "model", "left_out"),
    [
        ("## `[screen]`", Size, set()),
        *(
            (f"## `[{kind}.NAME]`", model, {"name", "brightness", "reader", "view"})
            for kind, model in ITEM_KINDS.items()
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_layout_page_names_every_key(head, model, left_out):
    check_keys(section("docs/layout-file.md", head), model, left_out)


def test_the_layout_page_names_every_key_of_an_anchor():
    check_keys(section("docs/layout-file.md", "## `[view.NAME]`", "### An anchor"), Anchor)


# Verdicts, topics, words ----------------------------------------------------------------------------------------------


def test_the_verdict_pages_name_every_verdict_and_its_status():
    assert {row[0]: int(row[3]) for row in rows("docs/verdicts.md", "verdict")} == {
        str(verdict): status for verdict, status in EXIT_STATUS.items()
    }
    named = {name.strip(): int(row[0]) for row in rows("README.md", "status") for name in row[1].split(",")}
    assert named == {str(verdict): EXIT_STATUS[verdict] for verdict in Verdict}


def test_the_evidence_page_names_every_topic():
    kinds = {re.match(r"`/(\w+)", row[0])[1] for row in rows("docs/evidence.md", "topic")}
    assert kinds == {*JSON_TOPICS, "can", "screen"}


def avoided() -> list[str]:
    words = [word.strip() for row in rows("docs/glossary.md", "word") if len(row) > 2 for word in row[2].split(",")]
    return [word for word in words if word and word != "|"]


@pytest.mark.parametrize("document", [name for name in TEXTS if name != "docs/glossary.md"])
def test_words_to_avoid_are_avoided(document):
    text = prose(document)
    assert [word for word in avoided() if re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE)] == []


def test_the_glossary_is_in_order_and_avoids_much():
    words = [row[0].lower() for row in rows("docs/glossary.md", "word")]
    assert words == sorted(words)
    assert len(avoided()) > 30


def test_no_document_names_a_place_on_a_machine():
    for document, text in TEXTS.items():
        assert not re.search(r"(?<![\w.])/(home|root|work|Users|opt|tmp)/", text), document


def test_decisions_are_listed_and_have_their_parts():
    pages = sorted((ROOT / "docs/adr").glob("0*.md"))
    listed = re.findall(r"\((0\d+-[\w-]+\.md)\)", TEXTS["docs/adr/README.md"])
    assert listed == [page.name for page in pages]
    for page in pages:
        heads = re.findall(r"^## (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert heads == ["Context", "Options", "Decision", "Consequences"], page.name


def test_the_table_of_telltales_is_as_the_data_say():
    page = TEXTS["docs/telltales.md"]
    assert telltale_table.with_table(page) == page, "run .venv/bin/python tools/telltale_table.py"
    known = {row.key: row["colour"] for row in tables.read(ROOT / "fixtures/tables/telltales.csv")}
    for brand in ("alta", "brio"):
        layout = layout_file.load(ROOT / f"fixtures/layouts/{brand}/cluster.toml")
        assert {name: layout.telltale(name).colour for name in layout.names(Telltale)} == known
