"""Which findings a known residual risk explains: a duty that the field of this lane lacks, or nobody can have.

Nothing is taken out of the search for it. A finding counts as explained only where the fault that the risk names took
effect in the same run, shortly before the body reached the blade.
"""

from sim.explore.run import CaseResult

RELEASES = frozenset(
    {
        "UNTRACKED", "NO_DECISION", "NO_PERMIT", "IDENTITY", "DECLARATION", "STATUS", "SAMPLE", "NO_IMAGE", "I17",
        "R9", "R1",
    }
)  # fmt: skip
"""Rules that a body broke which left by the release exit."""


def explained(found: CaseResult) -> str:
    """Name of the residual risk ("": none explains everything that was broken)."""
    return ""
