"""Three equalities: a replay gives the recorded journal, every clock gives the same, real wires decide alike."""
