"""What PostgreSQL did to answer: plans, rows read, buffers touched."""

import json
import re
from typing import Any

import asyncpg

AUTO_EXPLAIN = """
load 'auto_explain';
set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on;
set auto_explain.log_analyze = on; set auto_explain.log_buffers = on;
set auto_explain.log_timing = off; set auto_explain.log_format = json;
set auto_explain.log_level = notice;
"""


class Plans:
    """A session that keeps the plan of every statement, those inside functions included."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.nodes: list[dict[str, Any]] = []
        self.buffers = 0
        connection.add_log_listener(self._keep)

    def clear(self) -> None:
        self.nodes, self.buffers = [], 0

    def scans(self) -> list[dict[str, Any]]:
        """The nodes that read rowbell.tasks, or sort what was read of it."""
        return [
            n for n in self.nodes if n.get("Relation Name") == "tasks" or "Sort" in n["Node Type"]
        ]

    def rows_read(self) -> int:
        """The most rows that one node gave, or looked at and threw away."""
        most: int = max(
            (n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) * n["Actual Loops"]
            for n in self.scans()
        )
        return most

    def kinds_of_scan(self) -> set[str]:
        return {n["Node Type"] for n in self.scans() if n.get("Relation Name") == "tasks"}

    def indexes(self) -> set[str]:
        return {n["Index Name"] for n in self.nodes if "Index Name" in n}

    def _keep(self, _: object, message: asyncpg.PostgresLogMessage) -> None:
        found = re.search(r"\{.*\}", message.message, re.DOTALL)
        if found:
            plan = json.loads(found[0])["Plan"]
            # The outermost statement comes last, and counts what the inner ones touched.
            self.buffers = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
            self._add(plan)

    def _add(self, node: dict[str, Any]) -> None:
        self.nodes.append(node)
        for child in node.get("Plans", []):
            self._add(child)
