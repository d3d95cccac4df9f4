"""The running lane: ``supervisor`` (processes), ``core`` (queue, journal, controller, commands), ``restart``,
``vision_pool``, ``scan_link`` and ``scan_receiver``, ``epochs``, ``declared``, ``orders``, ``figures``."""
