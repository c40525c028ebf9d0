"""When a job fails, show those of its logs that can be read as text.

The logger plugin rich 0.5 reads all of them. For one that is missing, as when a job was killed, or
not text, as the system log of a training, it prints a traceback. No option avoids this.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from epochreel.runtime.patches import tested_version

PACKAGE, TESTED = "snakemake-logger-plugin-rich", "0.5.1"
CONSEQUENCE = "a traceback follows the message of a failed training"


def apply() -> None:
    """Let the logger plugin rich, if it is in use, skip the other logs of a failed job."""
    plugin = sys.modules.get("snakemake_logger_plugin_rich.event_handler")
    if plugin is None or hasattr(plugin.EventHandler.handle_job_error, "unpatched"):
        return
    if tested_version.is_installed(PACKAGE, TESTED, CONSEQUENCE):
        plugin.EventHandler.handle_job_error = _readable_only(plugin.EventHandler.handle_job_error)


def _readable_only(show: Any) -> Any:
    def handle_job_error(self: Any, event_data: Any, **options: Any) -> None:
        job = self.jobs_info.get(event_data.jobid, {})
        job["log"] = [path for path in job.get("log") or () if _is_text(path)]
        show(self, event_data, **options)

    handle_job_error.unpatched = show
    return handle_job_error


def _is_text(path: str) -> bool:
    try:
        Path(path).read_text()
    except (OSError, ValueError):
        return False
    return True
