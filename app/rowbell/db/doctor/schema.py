"""Is the schema that of this version, and still what was applied?"""

from rowbell import __version__
from rowbell.db.doctor.finding import Answer, Finding, problem
from rowbell.db.doctor.patient import Patient
from rowbell.errors import ConfigurationError
from rowbell.number import many

_VERSION = "select version from rowbell.schema_files order by applied_at desc, path desc limit 1"


async def schema(patient: Patient) -> Answer:
    """Every file of sql/ was applied in the text that this version has."""
    if not patient.has_schema:
        return Answer(
            f"this is {__version__}",
            [
                problem(
                    "schema.missing", "There is no schema of Rowbell.", command="rowbell migrate"
                )
            ],
        )
    found: str = await patient.connection.fetchval(_VERSION)
    said = f"schema {found}, this is {__version__}"
    try:
        pending = await patient.pending()
    except ConfigurationError as error:
        return Answer(said, [problem("schema.newer", f"{error.message} {error.hint}")])
    return Answer(said, [_old([file.path for file in pending])] if pending else [])


def _old(paths: list[str]) -> Finding:
    named = ", ".join(paths[:3]) + (", …" if len(paths) > 3 else "")
    sentence = (
        "The schema is older than this version:"
        f" {many(len(paths), 'file is', 'files are')} not applied ({named})."
    )
    return problem("schema.old", sentence, command="rowbell migrate")
