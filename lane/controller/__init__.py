"""The sans-IO core: ``core.LaneController`` turns each input into events and commands; the other modules are its rules.

``state`` (everything that a snapshot holds) < ``desk`` (one step's working table) < ``drawing``, ``permitting`` <
``belt``, ``evidence``, ``deciding``, ``exits``, ``running``, ``watching``, ``people`` < ``core``.
"""
