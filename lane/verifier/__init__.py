"""Independent proof of a finished run. Standard library only; imports nothing else of this project.

``python -m lane.verifier RUN`` or, as one file, ``python lane-verify.pyz RUN`` (``lane.verifier.pack``).
"""
