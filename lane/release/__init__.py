"""Release messages and custody: ``dossier`` (what is known of a parcel), ``render`` (lane-release/1), ``outbox``
(projection in the journal's own transaction), ``transport`` and ``sender`` (until acknowledged), ``receiver`` (for
tests), ``custody``, ``manifest``, ``feed``."""
