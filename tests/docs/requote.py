"""Writes files that the documents quote whole into them again: `.venv/bin/python tests/docs/requote.py`.

Run it after a quoted file changed, then read whether the text around it still holds.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
QUOTE = re.compile(
    r"(?P<head>^(?:[^\n`]*[.] )?`(?P<file>[\w./-]+)`:\n\n```\w+\n).*?(?=^```$)", re.MULTILINE | re.DOTALL
)


def main() -> None:
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        text = path.read_text(encoding="utf-8")
        fresh = QUOTE.sub(lambda m: m["head"] + (ROOT / m["file"]).read_text(encoding="utf-8"), text)
        if fresh != text:
            path.write_text(fresh, encoding="utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
