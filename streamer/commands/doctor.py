"""``emotiond doctor``: checks this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from emotiond.exceptions import printable
from emotiond.streamer.commands.command import Command
from emotiond.streamer.commands.flags import add_json


def doctor(options: dict[str, Any]) -> int:
    """``emotiond doctor``: print all findings with their remedies."""
    from emotiond.streamer.offline.doctor import examine

    findings = []
    for finding in examine():
        findings.append(finding)
        if not options["json"]:
            mark = {"ok": "ok  ", "warning": "note", "error": "FAIL"}[finding.status]
            print(f"{mark}  {printable(f'{finding.check}: {finding.detail}')}", flush=True)
            if finding.remedy:
                print(f"      → {printable(finding.remedy)}", flush=True)
    if options["json"]:
        print(json.dumps({"findings": [asdict(f) for f in findings]}, ensure_ascii=False, indent=1))
    return 1 if any(finding.status == "error" for finding in findings) else 0


DOCTOR = Command("doctor", "check this machine and suggest fixes", add_json, doctor)
