"""The embedded PostgreSQL: made, started and shared when no database is configured.

Every process that uses it joins it and leaves it. The kernel counts them through a lock, and the
warden stops the server after the last one, also when that one was killed.

place: the folder of a home · programs: what runs there, and as whom · server: making and starting
· warden: stopping · postgres: the users
"""

from rowbell.db.embedded.postgres import EmbeddedPostgres
from rowbell.db.embedded.programs import psql_path

__all__ = ["EmbeddedPostgres", "psql_path"]
